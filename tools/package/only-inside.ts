// package:verify preloads this file into the worker that runs a package (Node's --import). It
// refuses every module that is neither in the package nor part of Node or of the local host, as in
// Azure.
import Module from 'node:module';
import { pathToFileURL } from 'node:url';

const allowed = [
  // The worker is started in the package's folder.
  `${pathToFileURL(process.cwd()).href}/`,
  new URL('../local-host/', import.meta.url).href,
];

// Node has this hook from 22.15; on an older version nothing is refused.
Module.registerHooks?.({
  resolve(specifier, context, nextResolve) {
    const resolved = nextResolve(specifier, context);
    if (!resolved.url.startsWith('file:') || allowed.some((one) => resolved.url.startsWith(one))) {
      return resolved;
    }
    throw new Error(`"${specifier}" was found outside of the package: ${resolved.url}`);
  },
});
