import { describe, expect, test } from 'vitest';
import {
  type Caller,
  checkUseCase,
  DeploymentNotAllowedError,
  mayCall,
  readUseCase,
} from '../../../shared/access/caller.ts';
import { toErrorBody } from '../../../shared/base/errors.ts';

const anybody: Caller = { name: 'ann', role: 'user' };
const limited: Caller = { ...anybody, useCases: ['chat', 'mail'], deployments: ['weak'] };

describe('readUseCase', () => {
  const read = (headers: Record<string, string>) => readUseCase((name) => headers[name] ?? null);

  test('reads either spelling, the one with an underscore first', () => {
    expect(read({ 'x-use_case': 'a', 'x-use-case': 'b' })).toBe('a');
    expect(read({ 'x-use-case': 'team:mail.v-2_1' })).toBe('team:mail.v-2_1');
    expect(read({})).toBeUndefined();
  });

  test.each(['', ' ', 'a b', 'a,b', 'a\nb', 'a"', 'ä', 'x'.repeat(65)])(
    'takes %j for none',
    (useCase) => {
      expect(read({ 'x-use_case': useCase })).toBeUndefined();
      expect(read({ 'x-use_case': useCase, 'x-use-case': 'a' })).toBeUndefined();
    },
  );
});

describe('checkUseCase', () => {
  test('lets a caller without a limit name any use case, or none', () => {
    for (const caller of [undefined, anybody]) {
      expect(() => checkUseCase(caller, 'other')).not.toThrow();
      expect(() => checkUseCase(caller, undefined)).not.toThrow();
    }
  });

  test('holds a caller to its use cases', () => {
    expect(() => checkUseCase(limited, 'mail')).not.toThrow();
    for (const useCase of ['other', 'Mail', undefined]) {
      expect(() => checkUseCase(limited, useCase)).toThrow(
        expect.objectContaining({
          status: 403,
          code: 'use_case_not_allowed',
          param: 'X-USE_CASE',
          message: expect.stringContaining('chat, mail'),
        }),
      );
    }
  });
});

describe('mayCall', () => {
  test('holds a caller to its deployments', () => {
    expect([undefined, anybody, limited].map((caller) => mayCall(caller, 'weak'))).toEqual([
      true,
      true,
      true,
    ]);
    expect([undefined, anybody, limited].map((caller) => mayCall(caller, 'strong'))).toEqual([
      true,
      true,
      false,
    ]);
  });

  test('has an error that says what may be called', () => {
    const error = new DeploymentNotAllowedError(limited, 'model');
    expect(error.status).toBe(403);
    expect(toErrorBody(error).error).toEqual({
      message: expect.stringContaining('weak'),
      type: 'permission_error',
      param: 'model',
      code: 'deployment_not_allowed',
    });
  });
});
