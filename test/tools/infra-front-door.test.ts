import {
  type Case,
  changed,
  describeChanges,
  drop,
  first,
  GATEWAY,
  operations,
  policy,
  set,
} from '../support/infra-snapshots.ts';

const frontDoor: Case[] = [
  [
    'a policy that is no XML',
    'api-management',
    policy((text) => text.replace('</policies>', '')),
    /is not well-formed XML/,
  ],
  [
    'an expression with a quotation mark of its own',
    'api-management',
    policy((text) => text.replace('("X-USE_CASE', "('X-USE_CASE")),
    /is not well-formed XML/,
  ],
  [
    'a backend that is not there',
    'api-management',
    policy((text) => text.replace('backend-id="smart-router"', 'backend-id="other"')),
    /there is no backend "other"/,
  ],
  [
    'a named value that is not there',
    'api-management',
    policy((text) => text.replace('<base />', '<base /><!-- {{other}} -->')),
    /there is no named value "other"/,
  ],
  [
    "a backend's named value that is not there",
    'api-management',
    changed(`${GATEWAY}/backends`, 'properties.credentials', { header: { x: ['{{other}}'] } }),
    /backends .*: there is no named value "other"/,
  ],
  [
    'a buffered answer',
    'api-management',
    policy((text) => text.replace(' buffer-response="false"', '')),
    /forward-request must have buffer-response="false"/,
  ],
  [
    'an operation that is not documented',
    'api-management',
    operations((all) => [...all, 'GET /other']),
    /An API offers GET \/other, which/,
  ],
  [
    'an operation that is not offered',
    'api-management',
    operations((all) => all.filter((one) => one !== 'GET /ready')),
    /No API offers GET \/ready/,
  ],
  [
    'an operation twice',
    'api-management',
    operations((all) => [...all, 'GET /health']),
    /Two APIs offer GET \/health/,
  ],
  [
    'an API without keys',
    'api-management',
    changed([`${GATEWAY}/apis`, '/llm'], 'properties.subscriptionRequired', false),
    /An API without keys offers POST/,
  ],
  [
    'a health check with a key',
    'api-management',
    changed([`${GATEWAY}/apis`, '/health'], 'properties.subscriptionRequired', true),
    /GET \/health must be offered without a key/,
  ],
  [
    'a health check that asks for another path',
    'api-management',
    policy((text) => text.replace('template="/health"', 'template="/"'), '/health/policy'),
    /its policy must have rewrite-uri to \/health/,
  ],
];

/** Lines that are removed from a policy, with the problem that follows. */
const OF_BOTH = [
  '<set-header name="x-ms-invocation-id" exists-action="delete" />',
  '<set-header name="x-ms-client-principal" exists-action="delete" />',
  '<set-header name="x-ms-client-principal-id" exists-action="delete" />',
  '<set-header name="x-ms-client-principal-name" exists-action="delete" />',
  '<set-header name="x-ms-client-principal-idp" exists-action="delete" />',
  '<set-header name="x-functions-key" exists-action="delete" />',
  '<set-backend-service ',
];
const OF_LLM = [
  '<rate-limit-by-key ',
  '<llm-token-limit ',
  '<llm-emit-token-metric ',
  '<set-header name="x-front-door-caller" exists-action="override"',
  '<set-header name="Authorization" exists-action="delete" />',
  '<set-query-parameter name="code" exists-action="delete" />',
  '<set-query-parameter name="subscription-key" exists-action="delete" />',
];
const steps: Case[] = [
  ...['llm', 'health'].flatMap((api) =>
    [...OF_BOTH, ...(api === 'llm' ? OF_LLM : [])].map(
      (start): Case => [
        `the policy of ${api} without ${start}`,
        'api-management',
        // The line becomes an element without meaning, so that its children keep their places.
        policy((text) => renamed(text, start), `/${api}/policy`),
        new RegExp(`/${api}/policy: <inbound> must have ${start.trim()}`),
      ],
    ),
  ),
  ...['llm', 'health'].map(
    (api): Case => [
      `the API ${api} without its policy`,
      'api-management',
      (one) => drop(one, first(one, `${GATEWAY}/apis/policies`, `/${api}/policy`)),
      new RegExp(`apis .*/${api}: has no policy`),
    ],
  ),
  [
    'a step that some calls go without',
    'api-management',
    policy((text) =>
      text.replace(
        '<set-header name="x-functions-key" exists-action="delete" />',
        '<choose><when condition="@(false)">$&</when></choose>',
      ),
    ),
    /<inbound> must have <set-header name="x-functions-key"/,
  ],
  [
    'a use case that the caller says unseen',
    'api-management',
    policy((text) =>
      text.replace('"X-USE_CASE" exists-action="override"', '"X-USE_CASE" exists-action="skip"'),
    ),
    /<inbound> must have <set-header name="X-USE_CASE" exists-action="override"/,
  ],
  [
    'a name that the caller gives itself',
    'api-management',
    policy((text) =>
      text.replace(
        '"x-front-door-caller" exists-action="override"',
        '"x-front-door-caller" exists-action="skip"',
      ),
    ),
    /<inbound> must have <set-header name="x-front-door-caller" exists-action="override"/,
  ],
];

const key: Case[] = [
  [
    "a caller's key that goes on to the router",
    'api-management',
    policy((text) =>
      text.replace('"api-key" exists-action="override"', '"api-key" exists-action="skip"'),
    ),
    /<inbound> must override api-key/,
  ],
  [
    'no key for the router',
    'api-management',
    policy((text) => renamed(text, '<set-header name="api-key"')),
    /<inbound> must override api-key/,
  ],
  [
    'a key for the router that everybody can read',
    'api-management',
    changed([`${GATEWAY}/namedValues`, '/router-key'], 'properties.secret', false),
    /<inbound> must override api-key/,
  ],
  [
    'a router that does not know the front door',
    'api-management',
    set('ROUTER_API_KEYS', `other=${'0'.repeat(64)}`),
    /ROUTER_API_KEYS must have front-door=/,
  ],
  [
    'a router that takes the front door for a caller',
    'api-management',
    set('ROUTER_API_KEYS', `front-door=${'0'.repeat(64)};role=user`),
    /ROUTER_API_KEYS must have front-door=/,
  ],
  ...['minimal', 'api-management'].map(
    (name): Case => [
      `a router of ${name} that leaves keys to the host`,
      name,
      set('FRONT_DOOR', 'function-key'),
      /FRONT_DOOR must be empty/,
    ],
  ),
  ...['header', 'query', 'bearer'].map(
    (place): Case => [
      `an API that takes its keys elsewhere: ${place}`,
      'api-management',
      changed(
        [`${GATEWAY}/apis`, '/llm'],
        `properties.subscriptionKeyParameterNames.${place}`,
        'x',
      ),
      new RegExp(`subscriptionKeyParameterNames\\.${place} must be`),
    ],
  ),
  [
    'an API below a path',
    'api-management',
    changed([`${GATEWAY}/apis`, '/llm'], 'properties.path', 'openai'),
    /llm: path must be empty/,
  ],
  ...[
    'https://example.com/api',
    'http://example.com',
    "[format('https://{0}/api', reference('x', '1').defaultHostName)]",
    "[format('https://{0}{1}', reference('x', '1').defaultHostName, '/api')]",
  ].map(
    (url): Case => [
      `a backend at ${url}`,
      'api-management',
      changed(`${GATEWAY}/backends`, 'properties.url', url),
      /backends .*: url must be https and the app's host, without a path/,
    ],
  ),
];

describeChanges([...frontDoor, ...steps, ...key]);

/** Renames the first element that starts like this to one without meaning. */
function renamed(text: string, start: string): string {
  const at = text.indexOf(start);
  const name = /^<([\w-]+)/.exec(start)?.[1] ?? '';
  const end = text.indexOf('>', at) + 1;
  const isEmpty = text.slice(at, end).endsWith('/>');
  const rest = text.slice(at + 1 + name.length);
  const changedRest = isEmpty ? rest : rest.replace(`</${name}>`, '</nothing>');
  return `${text.slice(0, at)}<nothing${changedRest}`;
}
