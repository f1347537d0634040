import { enableCompileCache } from 'node:module';

// The router as a separate process, without a host. Code that an earlier start on this machine compiled is not
// compiled again, which has to be enabled before anything is compiled.
enableCompileCache();
const { serve } = await import('./serve.ts');
await serve(new URL('.', import.meta.url));
