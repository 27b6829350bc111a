import { DatabaseError, NotAnalysed } from './errors.ts';
import type { Value } from './values.ts';

/** Dates, times and intervals (PostgreSQL manual, 8.5 and 9.9). */

const DAY = 86_400_000;

type Interval = readonly [months: number, days: number, ms: number];

/** Milliseconds since 1970 of a date or time in ISO 8601 or SQL spelling. @throws DatabaseError 22007, 22008 */
export function parseTime(given: string): number {
  const text = given.trim();
  const match =
    /^(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ](\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,6}))?)?)?\s*(Z|UTC|[+-]\d{2}(?::?\d{2})?)?$/i.exec(
      text,
    );
  if (!match) throw new DatabaseError('22007', `invalid input syntax for a date or time: "${text}"`);
  const [, year, month, day, hour = '0', minute = '0', second = '0', fraction = '0', zone = 'Z'] = match;
  const ms = Math.floor(Number(fraction.padEnd(3, '0').slice(0, 3)));
  const time = Date.UTC(+(year ?? 0), +(month ?? 1) - 1, +(day ?? 1), +hour, +minute, +second, ms);
  if (new Date(time).getUTCMonth() !== +(month ?? 1) - 1 || +hour > 24 || +minute > 59) {
    throw new DatabaseError('22008', `date/time field value out of range: "${text}"`);
  }
  const offset = /^([+-])(\d{2}):?(\d{2})?$/.exec(zone);
  if (!offset) return time;
  const minutes = (+(offset[2] ?? 0) * 60 + +(offset[3] ?? 0)) * (offset[1] === '-' ? -1 : 1);
  return time - minutes * 60_000;
}

const UNITS: Readonly<Record<string, Interval>> = {
  century: [1200, 0, 0],
  decade: [120, 0, 0],
  year: [12, 0, 0],
  yr: [12, 0, 0],
  y: [12, 0, 0],
  mon: [1, 0, 0],
  month: [1, 0, 0],
  week: [0, 7, 0],
  w: [0, 7, 0],
  day: [0, 1, 0],
  d: [0, 1, 0],
  hour: [0, 0, 3_600_000],
  hr: [0, 0, 3_600_000],
  h: [0, 0, 3_600_000],
  minute: [0, 0, 60_000],
  min: [0, 0, 60_000],
  m: [0, 0, 60_000],
  second: [0, 0, 1000],
  sec: [0, 0, 1000],
  s: [0, 0, 1000],
  millisecond: [0, 0, 1],
  ms: [0, 0, 1],
  microsecond: [0, 0, 0.001],
};

/** Reads an interval such as `1 day 02:30`, `3 months ago` or `PT5M`. @throws DatabaseError 22007 */
export function parseInterval(text: string): Value {
  const total: [number, number, number] = [0, 0, 0];
  const fail = () => new DatabaseError('22007', `invalid input syntax for type interval: "${text}"`);
  const iso = /^P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$/.exec(
    text,
  );
  if (iso && text !== 'P') {
    const [, years = 0, months = 0, weeks = 0, days = 0, hours = 0, minutes = 0, seconds = 0] = iso;
    const ms = +hours * 3_600_000 + +minutes * 60_000 + +seconds * 1000;
    return { interval: [+years * 12 + +months, +weeks * 7 + +days, ms] };
  }
  let rest = text.trim().replace(/^@\s*/, '');
  const ago = /\bago$/i.test(rest);
  rest = rest
    .replace(/\bago$/i, '')
    .replace(/([+-]?)(\d+):(\d{2})(?::(\d{2}(?:\.\d+)?))?/, (_, sign, h, m, s = '0') => {
      total[2] += (Number(h) * 3600 + Number(m) * 60 + Number(s)) * 1000 * (sign === '-' ? -1 : 1);
      return '';
    });
  rest = rest.replace(/([+-]?\d+(?:\.\d+)?)\s*([a-z]+)/gi, (_, count, unit) => {
    const name = String(unit).toLowerCase();
    const size = UNITS[name] ?? UNITS[name.replace(/s$/, '')];
    if (!size) throw fail();
    addParts(total, Number(count), size);
    return '';
  });
  rest = rest.trim();
  if (/^[+-]?\d+(\.\d+)?$/.test(rest)) total[2] += Number(rest) * 1000;
  else if (rest !== '') throw fail();
  return { interval: ago ? [-total[0], -total[1], -total[2]] : total };
}

/** Fractions of a month become days of a thirty-day month, fractions of a day become time. */
function addParts(total: [number, number, number], count: number, [months, days, ms]: Interval): void {
  const wholeMonths = Math.trunc(count * months);
  const moreDays = (count * months - wholeMonths) * 30 + count * days;
  const wholeDays = Math.trunc(moreDays);
  total[0] += wholeMonths;
  total[1] += wholeDays;
  total[2] += Math.round((moreDays - wholeDays) * DAY + count * ms);
}

/** An interval as PostgreSQL prints it: `1 year 2 mons 3 days 04:05:06`. */
export function intervalText([months, days, ms]: Interval): string {
  const years = Math.trunc(months / 12);
  const left = months % 12;
  const plural = (count: number, unit: string) => (count === 0 ? '' : `${count} ${unit}${count === 1 ? '' : 's'}`);
  const total = Math.abs(ms) / 1000;
  const two = (x: number) => String(x).padStart(2, '0');
  const seconds = total % 60;
  // A positive part after a negative one has its sign.
  const sign = ms < 0 ? '-' : days < 0 || (days === 0 && months < 0) ? '+' : '';
  const clock = `${sign}${two(Math.floor(total / 3600))}:${two(Math.floor(total / 60) % 60)}:${seconds < 10 ? '0' : ''}${Number(seconds.toFixed(6))}`;
  const parts = [plural(years, 'year'), plural(left, 'mon'), plural(days, 'day')].filter(Boolean);
  if (ms !== 0 || parts.length === 0) parts.push(clock);
  return parts.join(' ');
}

/** Length for comparing: a month counts as 30 days. */
export const intervalLength = ([months, days, ms]: Interval): number => (months * 30 + days) * DAY + ms;

/** A time moved by an interval. The 31st becomes the last day of a shorter month. */
export function moveTime(time: number, [months, days, ms]: Interval, sign: 1 | -1): number {
  const from = new Date(time);
  const month = from.getUTCFullYear() * 12 + from.getUTCMonth() + sign * months;
  const lastDay = new Date(Date.UTC(Math.floor(month / 12), (month % 12) + 1, 0)).getUTCDate();
  const day = Math.min(from.getUTCDate(), lastDay);
  const start = Date.UTC(Math.floor(month / 12), month % 12, day);
  return start + (((time % DAY) + DAY) % DAY) + sign * (days * DAY + ms);
}

/** What EXTRACT gives (PostgreSQL manual, 9.9.1). @throws NotAnalysed for fields beyond the usual ones. */
export function extract(field: string, value: Value): Value {
  const name = field.toLowerCase();
  if (value === null) return null;
  if (typeof value === 'object' && 'interval' in value) {
    const [months, days, ms] = value.interval;
    const parts: Record<string, number> = {
      epoch: months * 30.4375 * 86_400 + days * 86_400 + ms / 1000,
      year: Math.trunc(months / 12),
      month: months % 12,
      day: days,
      hour: Math.trunc(ms / 3_600_000),
      minute: Math.trunc(ms / 60_000) % 60,
      second: (ms / 1000) % 60,
    };
    if (name === 'epoch')
      parts.epoch = Math.trunc(months / 12) * 365.25 * 86_400 + (months % 12) * 30 * 86_400 + days * 86_400 + ms / 1000;
    if (name in parts) return parts[name] ?? null;
    throw new NotAnalysed(`extract(${field}) of an interval`);
  }
  if (typeof value !== 'object' || !('time' in value))
    throw new NotAnalysed(`extract(${field}) of a value without time`);
  const date = new Date(value.time);
  switch (name) {
    case 'epoch':
      return value.time / 1000;
    case 'year':
      return date.getUTCFullYear();
    case 'quarter':
      return Math.floor(date.getUTCMonth() / 3) + 1;
    case 'month':
      return date.getUTCMonth() + 1;
    case 'day':
      return date.getUTCDate();
    case 'dow':
      return date.getUTCDay();
    case 'isodow':
      return date.getUTCDay() || 7;
    case 'doy':
      return Math.floor((value.time - Date.UTC(date.getUTCFullYear(), 0, 1)) / DAY) + 1;
    case 'week': {
      const thursday = value.time + (4 - (date.getUTCDay() || 7)) * DAY;
      return Math.floor((thursday - Date.UTC(new Date(thursday).getUTCFullYear(), 0, 1)) / DAY / 7) + 1;
    }
    case 'hour':
      return date.getUTCHours();
    case 'minute':
      return date.getUTCMinutes();
    case 'second':
      return date.getUTCSeconds() + date.getUTCMilliseconds() / 1000;
    case 'milliseconds':
      return date.getUTCSeconds() * 1000 + date.getUTCMilliseconds();
  }
  throw new NotAnalysed(`extract(${field})`);
}

/** Cuts a time off below a unit. @throws NotAnalysed for units beyond the usual ones. */
export function truncateTime(unit: string, time: number): number {
  const date = new Date(time);
  const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()];
  switch (unit.toLowerCase()) {
    case 'second':
      return Math.floor(time / 1000) * 1000;
    case 'minute':
      return Math.floor(time / 60_000) * 60_000;
    case 'hour':
      return Math.floor(time / 3_600_000) * 3_600_000;
    case 'day':
      return Math.floor(time / DAY) * DAY;
    case 'week':
      return Math.floor(time / DAY) * DAY - ((date.getUTCDay() || 7) - 1) * DAY;
    case 'month':
      return Date.UTC(year, month, 1);
    case 'quarter':
      return Date.UTC(year, month - (month % 3), 1);
    case 'year':
      return Date.UTC(year, 0, 1);
  }
  throw new NotAnalysed(`date_trunc('${unit}')`);
}

/** Years, months, days and time from one time to a later one, as age() counts them. */
export function age(later: number, earlier: number): Value {
  if (later < earlier) {
    const { interval } = age(earlier, later) as { interval: Interval };
    return { interval: [-interval[0], -interval[1], -interval[2]] };
  }
  const [a, b] = [new Date(later), new Date(earlier)];
  let ms = (((later % DAY) + DAY) % DAY) - (((earlier % DAY) + DAY) % DAY);
  let days = a.getUTCDate() - b.getUTCDate();
  let months = (a.getUTCFullYear() - b.getUTCFullYear()) * 12 + a.getUTCMonth() - b.getUTCMonth();
  if (ms < 0) [ms, days] = [ms + DAY, days - 1];
  if (days < 0) {
    const lastDay = new Date(Date.UTC(b.getUTCFullYear(), b.getUTCMonth() + 1, 0)).getUTCDate();
    [days, months] = [days + lastDay, months - 1];
  }
  return { interval: [months, days, ms] };
}

/** A time by one of the usual patterns of to_char (PostgreSQL manual, 9.8). @throws NotAnalysed for others. */
export function formatTime(time: number, pattern: string): string {
  const date = new Date(time);
  const two = (x: number) => String(x).padStart(2, '0');
  const parts: Record<string, string> = {
    YYYY: String(date.getUTCFullYear()),
    YY: two(date.getUTCFullYear() % 100),
    MM: two(date.getUTCMonth() + 1),
    DD: two(date.getUTCDate()),
    HH24: two(date.getUTCHours()),
    HH12: two(date.getUTCHours() % 12 || 12),
    MI: two(date.getUTCMinutes()),
    SS: two(date.getUTCSeconds()),
    MS: String(date.getUTCMilliseconds()).padStart(3, '0'),
    IYYY: '',
    IW: '',
  };
  return pattern.replace(/"([^"]*)"|HH24|HH12|YYYY|IYYY|IW|YY|MM|DD|MI|SS|MS|[A-Za-z]+/g, (word, quoted?: string) => {
    if (quoted !== undefined) return quoted;
    const part = parts[word];
    if (part === undefined || part === '') throw new NotAnalysed(`to_char pattern ${word}`);
    return part;
  });
}
