// Preloaded by package:verify into the worker that runs a package (Node's --import): what is neither
// in the package nor part of Node or of the local host itself is not to be found, as in Azure.
import Module from 'node:module';
import { pathToFileURL } from 'node:url';

const allowed = [
  // The worker is started in the package's folder.
  `${pathToFileURL(process.cwd()).href}/`,
  new URL('../local-host/', import.meta.url).href,
];

// Node 22.15 and newer have it; an older one is not told apart.
Module.registerHooks?.({
  resolve(specifier, context, nextResolve) {
    const resolved = nextResolve(specifier, context);
    if (!resolved.url.startsWith('file:') || allowed.some((one) => resolved.url.startsWith(one))) {
      return resolved;
    }
    throw new Error(`"${specifier}" was found outside of the package: ${resolved.url}`);
  },
});
