export type Environment = Readonly<Record<string, string | undefined>>;

type Range = { readonly min: number; readonly max?: number };

/** Reads settings one by one and collects their problems, so that all are reported together. */
export class SettingsReader {
  readonly #env: Environment;
  readonly #problems = new Set<string>();
  readonly #bad = new Set<string>();

  constructor(env: Environment) {
    this.#env = env;
  }

  get problems(): readonly string[] {
    return [...this.#problems];
  }

  problem(text: string): void {
    this.#problems.add(text);
  }

  /** Returns true if one of the settings was present and wrong, and so was reported already. */
  isBad(...names: readonly string[]): boolean {
    return names.some((name) => this.#bad.has(name));
  }

  /** The settings whose names begin with this prefix. */
  namesFrom(prefix: string): readonly string[] {
    return Object.keys(this.#env).filter((name) => name.startsWith(prefix));
  }

  /** An empty setting counts as absent: that is how portals and pipelines write "not set". */
  text(name: string): string | undefined {
    const value = this.#env[name]?.trim();
    // The platform replaces such a reference with the secret, or leaves it if it cannot.
    if (value?.startsWith('@Microsoft.KeyVault(')) {
      return this.#report(
        name,
        'is a Key Vault reference that was not resolved: the vault has no such secret yet, or the app may not read it',
      );
    }
    return value === '' ? undefined : value;
  }

  required(name: string, meaning: string): string | undefined {
    const value = this.text(name);
    if (value === undefined) this.problem(`${name} is missing: ${meaning}.`);
    return value;
  }

  choice<T extends string>(name: string, allowed: readonly T[]): T | undefined {
    const value = this.text(name);
    const found = allowed.find((one) => one === value);
    if (value !== undefined && found === undefined) {
      this.#report(name, `must be one of ${allowed.join(', ')}, got "${value}"`);
    }
    return found;
  }

  matching(name: string, pattern: RegExp): string | undefined {
    const value = this.text(name);
    if (value === undefined || pattern.test(value)) return value;
    return this.#report(name, `must match ${pattern.source}, got "${value}"`);
  }

  /** Reads a key, which is sent in a header and never shown. */
  secret(name: string): string | undefined {
    const value = this.text(name);
    if (value === undefined || /^[\x21-\x7e]+$/.test(value)) return value;
    return this.#report(name, 'must be one line of printable ASCII without spaces');
  }

  number(name: string, { min, max = Number.MAX_SAFE_INTEGER }: Range): number | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    const number = Number(value);
    if (number >= min && number <= max) return number;
    return this.#report(name, `must be a number between ${min} and ${max}, got "${value}"`);
  }

  integer(name: string, range: Range): number | undefined {
    const value = this.number(name, range);
    if (value === undefined || Number.isInteger(value)) return value;
    return this.#report(name, `must be a whole number, got "${value}"`);
  }

  url(name: string): URL | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    const url = URL.canParse(value) ? new URL(value) : undefined;
    const isHttp = url?.protocol === 'https:' || url?.protocol === 'http:';
    const hasMore = url && `${url.username}${url.password}${url.search}${url.hash}` !== '';
    if (url === undefined || !isHttp || hasMore) {
      // The value is left out: a mistyped address may hold a key.
      return this.#report(
        name,
        'must be an http or https address without user name, query or fragment',
      );
    }
    return url;
  }

  #report(name: string, what: string): undefined {
    this.#bad.add(name);
    this.problem(`${name} ${what}.`);
    return undefined;
  }
}
