import * as examples from './examples.ts';
import type { Operation } from './operation.ts';

/** The state of the service, its document and its dashboard. */
export const serviceOperations = {
  health: {
    method: 'GET',
    path: '/health',
    access: 'open',
    tag: 'service',
    summary: 'Is the router running?',
    description: 'For load balancers. It checks no dependency.',
    answers: {
      200: {
        description: 'The router is running.',
        schema: 'Health',
        example: { status: 'online' },
      },
    },
  },
  ready: {
    method: 'GET',
    path: '/ready',
    access: 'open',
    tag: 'service',
    summary: 'Can the router answer?',
    description: 'Reports the state of each dependency. An answer is kept for five seconds.',
    answers: {
      200: {
        description: 'The router can answer; `degraded`: worse or slower than it could.',
        schema: 'Readiness',
        example: examples.readiness('ready'),
      },
      503: {
        description: 'No deployment can answer.',
        schema: 'Readiness',
        example: examples.readiness('unavailable'),
      },
    },
    errors: [500],
  },
  openapi: {
    method: 'GET',
    path: '/openapi.json',
    access: 'open',
    tag: 'service',
    summary: 'This document',
    description: 'The contract of the whole HTTP surface, in OpenAPI 3.1.',
    answers: {
      200: {
        description: 'The document.',
        schema: 'Document',
        example: { openapi: '3.1.0', info: { title: 'Smart Router' }, paths: {} },
      },
    },
  },
  dashboard: {
    method: 'GET',
    path: '/dashboard',
    access: 'open',
    tag: 'service',
    summary: 'The dashboard',
    description:
      'A page that shows what the router does and what it saves. It asks for a credential itself, and reads only the data that the credential allows.',
    answers: {
      200: { description: 'The page.', fileTypes: ['text/html'] },
      304: { description: 'The file is the one of `If-None-Match`.' },
    },
  },
  'dashboard-file': {
    method: 'GET',
    path: '/dashboard/{name}',
    access: 'open',
    tag: 'service',
    summary: 'A file of the dashboard',
    description: 'The code, the style or the icon of the page.',
    answers: {
      200: {
        description: 'The file.',
        fileTypes: ['text/javascript', 'text/css', 'image/svg+xml'],
      },
      304: { description: 'The file is the one of `If-None-Match`.' },
    },
    errors: [404],
  },
} satisfies Record<string, Operation>;
