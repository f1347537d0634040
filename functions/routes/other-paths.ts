import { HttpError } from '../../shared/base/errors.ts';
import type { CrossOrigin } from '../http/cross-origin.ts';
import type { Route } from '../http/respond.ts';

/** The page that a browser at the bare address is sent to. */
const HOME = 'dashboard';

/** Operations of OpenAI that clients ask by default, or by habit, and the router does not have. */
const OTHER_OPERATIONS =
  /\/(responses|completions|assistants|threads|files|batches|images|audio|moderations)(\/|$)/i;

/**
 * Creates the route of a path that is not in the table of routes, or not with this method: `methods` are those that
 * the path has.
 */
export function createNotFoundRoute(path: string, methods: readonly string[]): Route {
  return {
    path: '{*rest}',
    access: 'open',
    handle: () => {
      // The location is relative, since a gateway may have put a path before the router's.
      if (path === '/') return { status: 302, headers: { location: HOME }, body: '' };
      throw new HttpError(adviceFor(path, methods), {
        status: 404,
        code: 'not_found',
        ...(methods.length > 0 && { headers: { allow: methods.join(', ') } }),
      });
    },
  };
}

/** Creates the route that answers the preflight of a path that has these methods. */
export function createPreflightRoute(
  { preflight }: CrossOrigin,
  methods: readonly string[],
): Route {
  return { path: '{*rest}', access: 'open', handle: ({ header }) => preflight(header, methods) };
}

function adviceFor(path: string, methods: readonly string[]): string {
  if (methods.length > 0)
    return `Send ${methods.join(', ')} to this path. It has no other methods.`;
  if (OTHER_OPERATIONS.test(path)) {
    return 'Ask for chat completions: POST /llm/openai/v1/chat/completions. This path is an operation that the router does not have; in the AI SDK, .chat() asks for chat completions instead.';
  }
  return 'Use /llm as the endpoint of an Azure OpenAI client, or /llm/openai/v1 as the base URL of an OpenAI client. There is no such route; GET /openapi.json lists all routes.';
}
