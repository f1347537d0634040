// The minimal function app, as a baseline.
import { app } from '@azure/functions';

app.setup({ enableHttpStream: true });
app.http('empty', {
  route: 'empty',
  methods: ['POST'],
  authLevel: 'anonymous',
  handler: () => ({ status: 200, body: '{}', headers: { 'content-type': 'application/json' } }),
});
