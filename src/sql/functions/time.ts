import { NotAnalysed } from '../errors.ts';
import { age, extract, formatTime, intervalLength, truncateTime } from '../times.ts';
import { cast, DAY, isObject, toNumber, toText, type Value } from '../values.ts';
import { type Scalar, scalar } from './scalar.ts';

const text = (value: Value | undefined) => toText(value ?? null);
const number = (value: Value | undefined) => toNumber(value ?? 0);
const timeOf = (value: Value | undefined) => (cast(value ?? null, 'timestamp') as { time: number }).time;
const temporal = (value: Value | undefined): Value =>
  typeof value === 'string' ? cast(value, 'timestamp') : (value ?? null);

/** Functions of dates, times and intervals (PostgreSQL manual, 9.9; MySQL manual, 14.7). */
export const TIME_FUNCTIONS: Readonly<Record<string, Scalar>> = {
  date: scalar('date', ([a]) => cast(a ?? null, 'date')),
  extract: scalar('numeric', ([field, value]) => extract(text(field), temporal(value))),
  date_part: scalar('numeric', ([field, value]) => extract(text(field), temporal(value))),
  year: scalar('int', ([value]) => extract('year', temporal(value))),
  month: scalar('int', ([value]) => extract('month', temporal(value))),
  day: scalar('int', ([value]) => extract('day', temporal(value))),
  hour: scalar('int', ([value]) => extract('hour', temporal(value))),
  minute: scalar('int', ([value]) => extract('minute', temporal(value))),
  unix_timestamp: scalar('int', ([value]) => Math.floor(timeOf(value) / 1000)),
  date_trunc: scalar('timestamp', ([unit, value]) => ({ time: truncateTime(text(unit), timeOf(value)) })),
  make_interval: {
    type: 'interval',
    names: ['years', 'months', 'weeks', 'days', 'hours', 'mins', 'secs'],
    call: ([years, months, weeks, days, hours, mins, secs]) => ({
      interval: [
        number(years) * 12 + number(months),
        number(weeks) * 7 + number(days),
        number(hours) * 3_600_000 + number(mins) * 60_000 + number(secs) * 1000,
      ],
    }),
  },
  make_date: scalar('date', ([y, m, d]) => ({ time: Date.UTC(number(y), number(m) - 1, number(d)), date: true })),
  to_timestamp: scalar('timestamp', ([value, pattern]) => {
    if (pattern !== undefined) throw new NotAnalysed('to_timestamp with a pattern');
    return { time: number(value) * 1000 };
  }),
  to_char: scalar('text', ([value, pattern]) => {
    if (!isObject(value ?? null) || !('time' in (value as object))) throw new NotAnalysed('to_char of a number');
    return formatTime(timeOf(value), text(pattern));
  }),
  age: scalar('interval', ([later, earlier]) => {
    if (earlier === undefined) throw new NotAnalysed('age of one argument');
    return age(timeOf(later), timeOf(earlier));
  }),
  timezone: scalar('timestamp', ([zone, value]) => {
    if (!/^(utc|gmt|z)$/i.test(text(zone))) throw new NotAnalysed(`time zone ${text(zone)}`);
    return { time: timeOf(value) };
  }),
  overlaps: scalar('bool', ([a, b, c, d]) => {
    const end = (from: Value | undefined, to: Value | undefined) =>
      isObject(to ?? null) && 'interval' in (to as object)
        ? timeOf(from) + intervalLength((to as { interval: readonly [number, number, number] }).interval)
        : timeOf(to);
    const [first, second] = [
      [timeOf(a), end(a, b)].sort((x, y) => x - y),
      [timeOf(c), end(c, d)].sort((x, y) => x - y),
    ] as [[number, number], [number, number]];
    return first[0] < second[1] && second[0] < first[1];
  }),
  datediff: scalar('int', (args) => {
    if (args.length === 2) return Math.floor(timeOf(args[0]) / DAY) - Math.floor(timeOf(args[1]) / DAY);
    const unit = { day: DAY, hour: 3_600_000, minute: 60_000, second: 1000 }[text(args[0]).toLowerCase()];
    if (!unit) throw new NotAnalysed(`DATEDIFF in ${text(args[0])}`);
    return Math.floor(timeOf(args[2]) / unit) - Math.floor(timeOf(args[1]) / unit);
  }),
  pg_sleep: scalar('text', () => ''),
  sleep: scalar('int', () => 0),
};
