declare module '*.css';
declare module '*.svg' {
  /** Its address. */
  const address: string;
  // biome-ignore lint/style/noDefaultExport: this is how the bundler gives it.
  export default address;
}
