import { enableCompileCache } from 'node:module';

// The router as a process of its own, without a host. What an earlier start on this machine has compiled
// need not be compiled again: that is told before there is anything to compile.
enableCompileCache();
const { serve } = await import('./serve.ts');
await serve(new URL('.', import.meta.url));
