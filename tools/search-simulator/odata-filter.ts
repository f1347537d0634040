/** A document, and the element that a lambda looks at. */
type Scope = Readonly<Record<string, unknown>>;
export type Test = (document: Scope, element: Scope) => boolean;

const TOKEN =
  /\s*(?:('(?:[^']|'')*')|(-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)|([A-Za-z_][\w/]*)|([():,]))/iy;

/**
 * Parses the part of OData's filter language that the router uses: `eq ne gt ge lt le`, `and`,
 * `or`, `not`, parentheses, and `field/any(a: ...)`. Throws for everything else.
 */
export function parseFilter(text: string): Test {
  const tokens = tokenize(text);
  let at = 0;
  const take = () => {
    at += 1;
    return tokens[at - 1] ?? '';
  };
  const expect = (token: string) => {
    const found = take();
    if (found !== token) throw new Error(`Expected ${token} and found ${found} in: ${text}`);
  };

  function parseList(
    word: string,
    parse: () => Test,
    join: (tests: readonly Test[]) => Test,
  ): Test {
    const tests = [parse()];
    while (tokens[at] === word) {
      take();
      tests.push(parse());
    }
    return join(tests);
  }

  function parseOr(): Test {
    return parseList('or', () => parseList('and', parseNot, all), any);
  }

  function parseNot(): Test {
    if (tokens[at] !== 'not') return parseOne();
    take();
    const inner = parseNot();
    return (...scope) => !inner(...scope);
  }

  function parseOne(): Test {
    if (tokens[at] === '(') {
      take();
      const inner = parseOr();
      expect(')');
      return inner;
    }
    const field = take();
    return field.endsWith('/any') ? parseAny(field.slice(0, -4)) : parseComparison(field);
  }

  function parseAny(field: string): Test {
    expect('(');
    take();
    expect(':');
    const inner = parseOr();
    expect(')');
    return (document) =>
      (document[field] as readonly Scope[]).some((element) => inner(document, element));
  }

  function parseComparison(field: string): Test {
    const operator = take();
    const value = literal(take());
    const [first = '', second] = field.split('/');
    return (document, element) =>
      compare(operator, second === undefined ? document[first] : element[second], value);
  }

  const test = parseOr();
  if (at !== tokens.length) throw new Error(`Unexpected text after the filter: ${text}`);
  return test;
}

function any(tests: readonly Test[]): Test {
  return (...scope) => tests.some((test) => test(...scope));
}

function all(tests: readonly Test[]): Test {
  return (...scope) => tests.every((test) => test(...scope));
}

function tokenize(text: string): string[] {
  const tokens: string[] = [];
  const pattern = new RegExp(TOKEN);
  while (pattern.lastIndex < text.length) {
    const from = pattern.lastIndex;
    const [whole] = pattern.exec(text) ?? [];
    if (whole === undefined) throw new Error(`No filter at position ${from}: ${text}`);
    tokens.push(whole.trim());
  }
  return tokens;
}

function literal(token: string): unknown {
  if (token.startsWith("'")) return token.slice(1, -1).replaceAll("''", "'");
  if (token === 'true' || token === 'false') return token === 'true';
  const number = Number(token);
  if (Number.isNaN(number)) throw new Error(`No literal: ${token}`);
  return number;
}

/** Compares as OData does: null equals only null, and is neither above nor below any value. */
function compare(operator: string, left: unknown, right: unknown): boolean {
  if (operator === 'eq') return left === right;
  if (operator === 'ne') return left !== right;
  if (left === null || left === undefined || typeof left !== typeof right) return false;
  const [a, b] = [left as number, right as number];
  switch (operator) {
    case 'gt':
      return a > b;
    case 'ge':
      return a >= b;
    case 'lt':
      return a < b;
    case 'le':
      return a <= b;
    default:
      throw new Error(`No operator: ${operator}`);
  }
}
