/** Hosts to which the app sends a token of its identity. */
const AZURE_HOST = /\.(openai\.azure\.com|services\.ai\.azure\.com|cognitiveservices\.azure\.com)$/;

type WeakElsewhere = {
  /** Endpoint of the weak model; empty if the model is in the AI account. */
  readonly endpoint: string;
  readonly model: string;
  readonly apiStyle: string;
  /** Whether the endpoint is called with a key, which a Key Vault stores. */
  readonly usesKey: boolean;
  readonly key: string;
  /** Key Vault of an earlier deployment, which may contain the key; empty before the first one. */
  readonly keyVault: string;
};

/** Finds settings that contradict each other about a weak model outside the AI account. */
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
    ? ", or let the app's identity call it, if it has a role there: azd env set WEAK_HAS_KEY false"
    : '';
  return [
    `WEAK_API_KEY is missing, and there is no Key Vault of an earlier deployment that could contain it. Set it: azd env set WEAK_API_KEY <key>${keyless}`,
  ];
}

function identityProblems({ key, apiStyle }: WeakElsewhere, { hostname }: URL): string[] {
  if (key !== '') {
    return ['WEAK_API_KEY and WEAK_HAS_KEY=false contradict each other: remove one of them.'];
  }
  if (!AZURE_HOST.test(hostname)) {
    return [
      `WEAK_HAS_KEY is false, but ${hostname} is not an Azure OpenAI host where the app's identity could have a role. Set the key: azd env set WEAK_HAS_KEY true, azd env set WEAK_API_KEY <key>`,
    ];
  }
  if (apiStyle === 'openai') {
    return [
      'WEAK_HAS_KEY is false, but with WEAK_API_STYLE openai the app sends no token. Set it: azd env set WEAK_API_STYLE azure (azure-v1 for an address of that kind)',
    ];
  }
  return [];
}
