import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createBag } from '../../../shared/base/bag.ts';

test('holds what was added and not taken out again, in any order', () => {
  const steps = fc.array(fc.oneof(fc.constant('add' as const), fc.nat(20)), { maxLength: 60 });
  fc.assert(
    fc.property(steps, (all) => {
      const bag = createBag<number>();
      const held = new Map<number, () => void>();
      for (const [number, step] of all.entries()) {
        if (step === 'add') held.set(number, bag.add(number));
        const [gone, remove] = [...held][typeof step === 'number' ? step : -1] ?? [];
        if (gone === undefined || remove === undefined) continue;
        remove();
        held.delete(gone);
      }
      expect(bag.all().toSorted()).toEqual([...held.keys()].toSorted());
    }),
  );
});
