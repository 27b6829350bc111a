import { DatabaseError, NotAnalysed } from './errors.ts';
import { moveTime, parseInterval } from './times.ts';
import { cast, DAY, isObject, toNumber, unknownOperator, type Value } from './values.ts';

/** Applies `+ - * / % ^`. `integer` says that `/` cuts the fraction off. @throws DatabaseError 22012 */
export function arithmetic(operator: string, left: Value, right: Value, integer: boolean): Value {
  if (left === null || right === null) return null;
  if (typeof left === 'number' && typeof right === 'number') return onNumbers(operator, left, right, integer);
  const a = typeof left === 'string' && isObject(right) ? likeTime(left, right) : left;
  const b = right;
  if (isObject(a) && 'time' in a) return timeArithmetic(operator, a, b);
  if (isObject(b) && 'time' in b && operator === '+') return timeArithmetic(operator, b, a);
  if (isObject(a) && 'interval' in a) return intervalArithmetic(operator, a.interval, b);
  if (isObject(b) && 'interval' in b && operator === '*') return intervalArithmetic(operator, b.interval, a);
  if (isObject(a) && 'json' in a && operator === '-') return removeFromJson(a.json, b);
  if (isObject(a) || isObject(b)) unknownOperator(operator, a, b);
  return onNumbers(operator, toNumber(a), toNumber(b), integer);
}

const likeTime = (text: string, other: Value): Value =>
  !isObject(other) || !('time' in other || 'interval' in other)
    ? text
    : 'time' in other || /^\s*\d{4}-\d/.test(text)
      ? cast(text, 'timestamp')
      : parseInterval(text);

function onNumbers(operator: string, x: number, y: number, integer: boolean): number {
  switch (operator) {
    case '+':
      return tidy(x + y);
    case '-':
      return tidy(x - y);
    case '*':
      return tidy(x * y);
    case '^':
      return tidy(x ** y);
    case '/':
    case '%':
      if (y === 0) throw new DatabaseError('22012', 'division by zero');
      if (operator === '%') return tidy(x % y);
      return integer ? Math.trunc(x / y) : tidy(x / y);
    default:
      throw new NotAnalysed(`operator ${operator}`);
  }
}

/** Keeps decimal fractions decimal: 0.1 + 0.2 is 0.3 for NUMERIC. */
const tidy = (x: number) => (Number.isInteger(x) ? x + 0 : Math.round(x * 1e10) / 1e10);

function timeArithmetic(operator: string, a: { time: number; date?: true }, b: Value): Value {
  const sign = operator === '-' ? -1 : 1;
  if (operator !== '+' && operator !== '-') unknownOperator(operator, a as Value, b);
  const other =
    typeof b === 'string' ? (operator === '-' && /^\d{4}-/.test(b) ? cast(b, 'timestamp') : parseInterval(b)) : b;
  if (typeof other === 'number') return { time: a.time + sign * other * DAY, ...(a.date && { date: true }) };
  if (isObject(other) && 'time' in other) {
    if (a.date && other.date) return (a.time - other.time) / DAY;
    const difference = a.time - other.time;
    const days = Math.trunc(difference / DAY);
    return { interval: [0, days, difference - days * DAY] };
  }
  if (!isObject(other) || !('interval' in other)) unknownOperator(operator, a as Value, b);
  return { time: moveTime(a.time, (other as { interval: readonly [number, number, number] }).interval, sign) };
}

function intervalArithmetic(operator: string, a: readonly [number, number, number], b: Value): Value {
  if (typeof b === 'number' && (operator === '*' || operator === '/')) {
    if (operator === '/' && b === 0) throw new DatabaseError('22012', 'division by zero');
    const factor = operator === '*' ? b : 1 / b;
    const months = Math.trunc(a[0] * factor);
    const moreDays = (a[0] * factor - months) * 30 + a[1] * factor;
    const days = Math.trunc(moreDays + Math.sign(moreDays) * 1e-9);
    return { interval: [months, days, Math.round((moreDays - days) * DAY + a[2] * factor)] };
  }
  const other = typeof b === 'string' ? parseInterval(b) : b;
  if (isObject(other) && 'interval' in other && (operator === '+' || operator === '-')) {
    const sign = operator === '-' ? -1 : 1;
    return {
      interval: [a[0] + sign * other.interval[0], a[1] + sign * other.interval[1], a[2] + sign * other.interval[2]],
    };
  }
  return unknownOperator(operator, { interval: a }, b);
}

/** jsonb minus a key, a list of keys or a position (PostgreSQL manual, 9.16). */
function removeFromJson(json: unknown, key: Value): Value {
  const keys = isObject(key) && 'list' in key ? key.list : [key];
  if (Array.isArray(json)) {
    if (typeof key === 'number') return { json: json.filter((_, i) => i !== (key < 0 ? json.length + key : key)) };
    return { json: json.filter((item) => !keys.includes(item as string)) };
  }
  if (json === null || typeof json !== 'object') {
    throw new DatabaseError('22023', 'cannot delete from scalar');
  }
  return { json: Object.fromEntries(Object.entries(json).filter(([name]) => !keys.includes(name))) };
}
