import { enableCompileCache } from 'node:module';

// What an earlier start on this machine has compiled need not be compiled again: it is told before
// there is anything to compile.
enableCompileCache();
await import('./serve.ts');
