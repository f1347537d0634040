declare module '*.css';
declare module '*.svg' {
  /** Address of the file. */
  const address: string;
  // biome-ignore lint/style/noDefaultExport: this is how the bundler gives it.
  export default address;
}
