import { arithmetic } from '../arithmetic.ts';
import { DatabaseError } from '../errors.ts';
import { toNumber, type Value } from '../values.ts';
import { loose, type Scalar, scalar } from './scalar.ts';

const number = (value: Value | undefined) => toNumber(value ?? null);

function round(x: number, digits: number): number {
  const shifted = Number(`${Math.abs(x)}e${digits}`);
  return Math.sign(x) * Number(`${Math.round(shifted)}e${-digits}`) + 0;
}

/** Functions of numbers (PostgreSQL manual, 9.3). */
export const NUMBER_FUNCTIONS: Readonly<Record<string, Scalar>> = {
  abs: scalar('argument', ([a]) => Math.abs(number(a))),
  sign: scalar('numeric', ([a]) => Math.sign(number(a))),
  floor: scalar('numeric', ([a]) => Math.floor(number(a)) + 0),
  ceil: scalar('numeric', ([a]) => Math.ceil(number(a)) + 0),
  ceiling: scalar('numeric', ([a]) => Math.ceil(number(a)) + 0),
  round: scalar('numeric', ([a, digits]) => round(number(a), digits === undefined ? 0 : number(digits))),
  trunc: scalar('numeric', ([a, digits]) => {
    const factor = 10 ** (digits === undefined ? 0 : number(digits));
    return Math.trunc(number(a) * factor) / factor + 0;
  }),
  truncate: scalar('numeric', ([a, digits]) => Math.trunc(number(a) * 10 ** number(digits)) / 10 ** number(digits)),
  mod: scalar('argument', ([a, b]) => arithmetic('%', a ?? null, b ?? null, true)),
  div: scalar('numeric', ([a, b]) => {
    if (number(b) === 0) throw new DatabaseError('22012', 'division by zero');
    return Math.trunc(number(a) / number(b));
  }),
  power: scalar('numeric', ([a, b]) => number(a) ** number(b)),
  pow: scalar('numeric', ([a, b]) => number(a) ** number(b)),
  sqrt: scalar('numeric', ([a]) => {
    if (number(a) < 0) throw new DatabaseError('2201F', 'cannot take square root of a negative number');
    return Math.sqrt(number(a));
  }),
  num_nonnulls: loose('int', (args) => args.filter((arg) => arg !== null).length),
  num_nulls: loose('int', (args) => args.filter((arg) => arg === null).length),
  // NULL handling of other vendors.
  ifnull: loose('argument', ([a, b]) => a ?? b ?? null),
  nvl: loose('argument', ([a, b]) => a ?? b ?? null),
  isnull: loose('argument', ([a, b]) => a ?? b ?? null),
  nvl2: loose('unknown', ([a, b, c]) => (a === null || a === undefined ? (c ?? null) : (b ?? null))),
  if: loose('unknown', ([test, yes, no]) =>
    test !== null && test !== false && test !== 0 ? (yes ?? null) : (no ?? null),
  ),
  iif: loose('unknown', ([test, yes, no]) => (test === true ? (yes ?? null) : (no ?? null))),
};
