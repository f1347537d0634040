/** What the user gave is wrong: a tool says so in one line and ends with exit code 2. */
export class InputError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'InputError';
  }
}
