import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compileCel, isCel } from '../../src/design/expression.ts';
import { parseStep } from '../../src/design/step.ts';

const read = (text: string) => parseStep(text, ['psp', 'orders']);

describe('a step', () => {
  test.each([
    ['SELECT 1', { action: { kind: 'sql', sql: 'SELECT 1' }, into: [] }],
    ['n := SELECT count(*) FROM t', { action: { kind: 'sql', sql: 'SELECT count(*) FROM t' }, into: ['n'] }],
    ['(a, b) := SELECT x, y FROM t', { into: ['a', 'b'] }],
    ['ids[] := SELECT id FROM t', { into: ['ids'], list: true }],
    ['begin', { action: { kind: 'begin' } }],
    ['BEGIN ISOLATION LEVEL SERIALIZABLE;', { action: { kind: 'begin', level: 'serializable' } }],
    ['commit', { action: { kind: 'commit' } }],
    ['ROLLBACK', { action: { kind: 'rollback' } }],
    ['rollback to here', { action: { kind: 'sql', sql: 'rollback to here' } }],
    ['return', { action: { kind: 'return' } }],
  ])('%s', (text, expected) => {
    expect(read(text)).toMatchObject(expected);
  });

  test('has a condition that ends at the colon after a whole expression', () => {
    expect(read('if n >= 2: UPDATE t SET a = 1')).toMatchObject({
      condition: { text: 'n >= 2' },
      action: { kind: 'sql' },
    });
    expect(read("if (x ? 'a:b' : 'c') == 'c': commit")).toMatchObject({
      condition: { text: "(x ? 'a:b' : 'c') == 'c'" },
      action: { kind: 'commit' },
    });
  });

  test('calls a component with named arguments, which may be maps', () => {
    const step = read("r := psp.charge(amount: 100 + fee, meta: {id: request, tags: ['a', 'b']})");
    expect(step.action).toMatchObject({
      kind: 'call',
      component: 'psp',
      verb: 'charge',
      arguments: [{ name: 'amount' }, { name: 'meta' }],
    });
    expect(step.into).toEqual(['r']);
    const meta = step.action.kind === 'call' ? step.action.arguments[1]?.value : undefined;
    expect(meta?.evaluate({ request: 'r1' })).toEqual({ json: { id: 'r1', tags: ['a', 'b'] } });
  });

  test.each([
    ['if n >>= 2: commit', /write it as "if EXPR: STEP"/],
    ['n := commit', /only SQL and calls/],
    ['mail.send(1)', /no component "mail"; components: psp, orders/],
    ['charge the card', /none of: SQL, component\.verb/],
  ])('%s is refused with what is allowed', (text, message) => {
    expect(() => read(text)).toThrow(message);
  });

  test('never fails in another way, whatever is written', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 60 }), fc.constantFrom('', 'if ', 'n := ', 'psp.charge('), (text, start) => {
        try {
          read(start + text);
        } catch (error) {
          expect((error as Error).name).toBe('DesignError');
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe('an expression', () => {
  test('keeps whole numbers whole and fractions fractions', () => {
    fc.assert(
      fc.property(fc.integer({ min: -1e6, max: 1e6 }), fc.integer({ min: -1e6, max: 1e6 }), (a, b) => {
        expect(compileCel('a + b').evaluate({ a, b })).toBe(a + b);
        expect(compileCel('a >= b').evaluate({ a, b })).toBe(a >= b);
      }),
    );
    expect(compileCel('a * 2.0').evaluate({ a: 1.5 })).toBe(3);
  });

  test('names what it reads and what is missing', () => {
    expect(compileCel('a + b > size(c)').reads.toSorted()).toEqual(['a', 'b', 'c']);
    expect(() => compileCel('a + 1').evaluate({ b: 1 })).toThrow(/"a \+ 1" cannot be evaluated.*Variables here: b/);
  });

  test('is never JavaScript', () => {
    expect(isCel('process.exit(1)')).toBe(true);
    expect(() => compileCel('process.exit(1)').evaluate({})).toThrow(/cannot be evaluated/);
    expect(isCel('(() => 1)()')).toBe(false);
  });
});
