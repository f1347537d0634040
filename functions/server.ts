import { keepCompiledCode } from './compile-cache.ts';

// The router as a separate process, without a host. Code that an earlier start on this machine compiled is not
// compiled again, which has to be decided before anything is compiled.
keepCompiledCode();
const { serve } = await import('./serve.ts');
await serve(new URL('.', import.meta.url));
