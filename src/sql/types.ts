import type { Node, TypeName } from 'libpg-query';
import { DatabaseError } from './errors.ts';
import { cast, listOf, type SqlType, toText, type Value } from './values.ts';

/** Text of a list of `String` nodes. */
export const names = (list: readonly Node[] | undefined): string[] =>
  (list ?? []).map((node) => ('String' in node ? (node.String.sval ?? '') : ''));

/** The last part of a type's name. */
export const lastName = (type: TypeName | undefined): string => names(type?.names).at(-1) ?? '';

/** Maps a type's name to the few types that behave differently. */
export function typeOfName(type: TypeName | undefined): SqlType {
  if (type?.arrayBounds?.length) return 'list';
  const name = lastName(type).toLowerCase();
  if (/^(small|big|tiny|medium)?(int|serial)\d?$|^integer$|^xid8?$|^oid$/.test(name)) return 'int';
  if (/^(numeric|decimal|number|dec|float\d?|real|money|smallmoney|double|double precision)$/.test(name))
    return 'numeric';
  if (/^bool/.test(name) || name === 'bit') return 'bool';
  if (name === 'date') return 'date';
  if (/^timestamp|^(small)?datetime/.test(name)) return 'timestamp';
  if (name === 'interval') return 'interval';
  if (/^jsonb?$/.test(name)) return 'json';
  if (/range$/.test(name)) return 'range';
  return 'text';
}

/** Bounds of whole numbers by type. */
const INTEGERS: Readonly<Record<string, number>> = {
  int2: 2 ** 15,
  smallint: 2 ** 15,
  smallserial: 2 ** 15,
  int4: 2 ** 31,
  int: 2 ** 31,
  integer: 2 ** 31,
  serial: 2 ** 31,
};

const modifiers = (type: TypeName | undefined): number[] =>
  (type?.typmods ?? []).flatMap((node) =>
    'A_Const' in node ? [(node.A_Const as { ival?: { ival?: number } }).ival?.ival ?? 0] : [],
  );

/** How values become a type: on assignment a text that is too long is an error, in a cast it is cut. */
export function castOf(
  typeName: TypeName | undefined,
  assignment = false,
): { readonly type: SqlType; readonly convert: (value: Value) => Value } {
  const type = typeOfName(typeName);
  const name = lastName(typeName).toLowerCase();
  const [size, scale] = modifiers(typeName);
  if (type === 'list') {
    const element = castOf({ ...typeName, arrayBounds: [] } as TypeName, assignment);
    return { type, convert: (value) => (value === null ? null : listOf(cast(value, 'list'), element.convert)) };
  }
  if (type === 'int') {
    const bound = INTEGERS[name];
    if (bound === undefined) return { type, convert: (value) => cast(value, 'int') };
    return {
      type,
      convert: (value) => {
        const number = cast(value, 'int');
        if (typeof number === 'number' && (number >= bound || number < -bound)) {
          throw new DatabaseError('22003', bound === 2 ** 15 ? 'smallint out of range' : 'integer out of range');
        }
        return number;
      },
    };
  }
  if (type === 'numeric' && size !== undefined && /^(numeric|decimal|number|dec)$/.test(name)) {
    const digits = scale ?? 0;
    return {
      type,
      convert: (value) => {
        const number = cast(value, 'numeric');
        if (typeof number !== 'number') return number;
        const rounded =
          Math.sign(number) * Number(`${Math.round(Number(`${Math.abs(number)}e${digits}`))}e${-digits}`) + 0;
        if (Math.abs(rounded) >= 10 ** (size - digits)) throw new DatabaseError('22003', 'numeric field overflow');
        return rounded;
      },
    };
  }
  if (type === 'text' && size !== undefined && /^(varchar|bpchar|char|character|nvarchar|varchar2)$/.test(name)) {
    return {
      type,
      convert: (value) => {
        if (value === null) return null;
        const text = toText(value);
        if (text.length <= size) return text;
        if (assignment && text.slice(size).trim() !== '') {
          throw new DatabaseError(
            '22001',
            `value too long for type ${name === 'bpchar' ? 'character' : 'character varying'}(${size})`,
          );
        }
        return text.slice(0, size);
      },
    };
  }
  return { type, convert: (value) => cast(value, type) };
}
