/** Hosts that the app sends a token of its identity to. */
const AZURE_HOST = /\.(openai\.azure\.com|services\.ai\.azure\.com|cognitiveservices\.azure\.com)$/;

type WeakElsewhere = {
  /** Empty: the weak model is in the AI account. */
  readonly endpoint: string;
  readonly model: string;
  readonly apiStyle: string;
  /** Whether it is called with a key, which a Key Vault holds. */
  readonly usesKey: boolean;
  readonly key: string;
  /** Of an earlier deployment, which may hold the key; empty before. */
  readonly keyVault: string;
};

/** What does not go together about a weak model outside the AI account. */
export function weakElsewhereProblems(weak: WeakElsewhere): string[] {
  const { endpoint, model, usesKey, key } = weak;
  if (endpoint === '') {
    return key === ''
      ? []
      : ['WEAK_API_KEY is set without WEAK_ENDPOINT: set the endpoint, or remove the key.'];
  }
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  if (url?.protocol !== 'https:') {
    return ['WEAK_ENDPOINT must be an https address, such as https://host/v1.'];
  }
  if (model === '') {
    return [
      'WEAK_MODEL is missing: it names the model, or the deployment, that is called at WEAK_ENDPOINT.',
    ];
  }
  return usesKey ? keyProblems(weak, url) : identityProblems(weak, url);
}

function keyProblems({ key, keyVault }: WeakElsewhere, { hostname }: URL): string[] {
  if (key !== '' || keyVault !== '') return [];
  const keyless = AZURE_HOST.test(hostname)
    ? ', or let the identity of the app call it, where that has a role there: azd env set WEAK_HAS_KEY false'
    : '';
  return [
    `WEAK_API_KEY is missing, and there is no Key Vault of an earlier deployment that could hold it. Set it: azd env set WEAK_API_KEY <key>${keyless}`,
  ];
}

function identityProblems({ key, apiStyle }: WeakElsewhere, { hostname }: URL): string[] {
  if (key !== '') {
    return ['WEAK_API_KEY and WEAK_HAS_KEY=false contradict each other: remove one of them.'];
  }
  if (!AZURE_HOST.test(hostname)) {
    return [
      `WEAK_HAS_KEY is false, and ${hostname} is no Azure OpenAI host that the app's identity could have a role at. Set the key: azd env set WEAK_HAS_KEY true, azd env set WEAK_API_KEY <key>`,
    ];
  }
  if (apiStyle === 'openai') {
    return [
      'WEAK_HAS_KEY is false, and with WEAK_API_STYLE openai the app sends no token. Set it: azd env set WEAK_API_STYLE azure (azure-v1 for an address of that kind)',
    ];
  }
  return [];
}
