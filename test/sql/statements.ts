import type { Random } from '../support/random.ts';

/** Tables and rows for comparing single statements. */
export const SETUP = `
create table item (id int primary key, name text not null, price numeric(8,2), stock int not null default 0 check (stock >= 0), tags text[], data jsonb, added date, seen timestamp, active boolean default true);
create table sale (id int primary key, item int references item (id) on delete cascade, qty int not null, at timestamp not null, note varchar(10));
create table slot (id int generated always as identity primary key, room int not null, during tsrange, unique (room, during));
create table code (k text unique, v int, w int generated always as (v * 2) stored, unique nulls not distinct (v));
insert into item values
 (1, 'apple', 1.50, 10, '{fruit,red}', '{"a": 1, "b": {"c": [1, 2, 3]}}', '2024-01-31', '2024-01-31 10:15:30', true),
 (2, 'Banana', 0.25, 0, '{fruit}', '{"a": 2, "tags": ["x", "y"]}', '2024-02-29', '2024-02-29 23:59:59', false),
 (3, 'cherry', null, 5, null, null, null, null, null),
 (4, 'apple', 1.50, 7, '{}', '[1, "two", null]', '2023-12-01', '2023-12-01 00:00:00', true);
insert into sale values
 (1, 1, 2, '2024-03-01 08:00', 'first'), (2, 1, 3, '2024-03-02 09:30', null), (3, 2, 1, '2024-03-02 09:30', 'x'),
 (4, 4, 5, '2024-03-05 12:00', 'last'), (5, null, 4, '2024-03-06 00:00', 'none');
insert into slot (room, during) values (1, '[2024-01-01 10:00,2024-01-01 11:00)'), (1, '[2024-01-01 11:00,2024-01-01 12:00)'), (2, null);
insert into code (k, v) values ('a', 1), ('b', null)`;

/** Statements that both must answer alike. Each begins with the rows of the set-up. */
export const STATEMENTS: readonly string[] = [
  // expressions
  'select 7 / 2, -7 / 2, 7 % 3, -7 % 3, 7.0 / 2, 2 ^ 3, 1 + 2 * 3, (1 + 2) * 3, -5 + 3, +4',
  'select 1 / 0',
  "select 'a' || 'b' || 1, 'x' || null, concat('a', null, 1), concat_ws('-', 'a', null, 'b')",
  'select null and false, null or true, not null, null = null, null is null, 1 is distinct from null, null is not distinct from null',
  'select 1 in (1, null), 2 in (1, null), 2 not in (1, null), 2 not in (1, 3)',
  'select 2 between 1 and 3, 2 not between 1 and 3, 5 between symmetric 9 and 1, null between 1 and 2',
  "select case when 1 > 2 then 'a' when 2 > 1 then 'b' else 'c' end, case 3 when 1 then 'x' end, nullif(1, 1), nullif(1, 2), coalesce(null, 2, 3)",
  'select greatest(1, null, 3), least(4, 2, null), greatest(1.5, 1)',
  "select 'abc' like 'a%', 'abc' like '_b_', 'a%c' like 'a\\%c', 'ABC' ilike 'abc', 'abc' not like 'b%', 'abc' ~ '^a', 'abc' !~ 'B', 'abc' ~* 'B'",
  "select upper('aB'), lower('aB'), length('abc'), trim('  a '), ltrim('xxa', 'x'), rtrim('axx', 'x'), substring('hello' from 2 for 3), substr('hello', 3), position('l' in 'hello'), left('hello', 2), right('hello', 2), left('hello', -2), right('hello', -2), replace('aXbX', 'X', '-'), reverse('abc'), repeat('ab', 2), lpad('7', 3, '0'), rpad('7', 3, '0'), split_part('a,b,c', ',', 2), initcap('hello world'), starts_with('abc', 'ab'), md5('a'), format('%s-%I-%L', 'a', 'b', 'c')",
  'select abs(-3), sign(-2), floor(1.7), ceil(1.2), round(2.5), round(-2.5), round(1.255, 2), trunc(1.9), trunc(-1.99, 1), mod(7, 3), power(2, 3), sqrt(16), div(7, 2)',
  "select '5'::int + 1, '2.5'::numeric * 2, 'true'::boolean, 1::text || 'a', '2024-01-01'::date, 2.5::int, -2.5::int, 3.49::int",
  "select 'x'::int",
  "select 'maybe'::boolean",
  'select 99999999999::int',
  "select 'abcdef'::varchar(3), cast('12.345' as numeric(5,2))",
  'select (1, 2) = (1, 2), (1, 2) < (1, 3), (1, null) = (1, 2), (1, null) = (2, 2), (1, 2) <> (1, 3)',
  'select (1, 2) in ((1, 2), (3, 4)), 3 = any (array[1, 2, 3]), 3 <> all (array[1, 2]), 4 > all (array[1, null])',
  // dates and times
  "select date '2024-01-31' + 1, date '2024-03-01' - date '2024-02-01', timestamp '2024-01-31 10:00' + interval '1 month', timestamp '2024-03-31' - interval '1 month', timestamp '2024-01-02 03:04:05' - timestamp '2024-01-01'",
  "select extract(year from timestamp '2024-02-29 23:59:58'), extract(month from date '2024-02-29'), extract(dow from date '2024-02-29'), extract(doy from date '2024-02-29'), extract(week from date '2024-12-30'), extract(epoch from timestamp '2024-01-01'), extract(hour from interval '25 hours'), date_part('minute', timestamp '2024-01-01 10:42'), extract(quarter from date '2024-05-01'), extract(isodow from date '2024-03-03')",
  "select date_trunc('month', timestamp '2024-02-29 10:11:12'), date_trunc('week', timestamp '2024-02-29 10:11:12'), date_trunc('hour', timestamp '2024-02-29 10:11:12'), date_trunc('quarter', timestamp '2024-05-29 10:11:12')",
  "select age(timestamp '2024-03-01', timestamp '2023-12-15'), age(timestamp '2024-01-01 10:00', timestamp '2024-01-03 12:00'), make_interval(days => 2, hours => 3), make_interval(0, 1), interval '1 day' * 2.5, interval '3 hours' / 2, interval '1 year 2 mons -3 days 04:05:06', interval '90 minutes' + interval '1 day'",
  "select interval '1 day' > interval '23 hours', interval '1 month' = interval '30 days', '2024-01-01'::date < '2024-01-02', timestamp '2024-01-01' = date '2024-01-01'",
  "select to_char(timestamp '2024-02-03 04:05:06', 'YYYY-MM-DD HH24:MI:SS'), make_date(2024, 2, 3), (date '2024-01-01', date '2024-01-10') overlaps (date '2024-01-05', date '2024-01-20')",
  "select * from generate_series(1, 5, 2) a, generate_series(timestamp '2024-01-01', '2024-01-02', '12 hours') b",
  "select d::date from generate_series(date '2024-01-30', date '2024-02-02', interval '1 day') as d",
  "select '2024-13-01'::date",
  "select 'soon'::timestamp",
  // arrays, JSON, ranges
  "select array[1, 2] || 3, array[1] || array[2, 3], array[1, 2, 3] @> array[2], array[1, 2] && array[2, 9], array[1, 2] = array[1, 2], (array['a', 'b'])[2], (array[1])[5], array_length(array[1, 2], 1), cardinality(array[]::int[]), array_append(array[1], 2), array_remove(array[1, 2, 1], 1), array_position(array['a', 'b'], 'b'), array_to_string(array[1, 2], ','), string_to_array('a,b', ',')",
  "select '{\"a\": {\"b\": 1}}'::jsonb -> 'a' -> 'b', '{\"a\": {\"b\": 1}}'::jsonb #>> '{a,b}', '{\"a\": 1}'::jsonb ->> 'a', '[1, 2, 3]'::jsonb -> 1, '[1, 2, 3]'::jsonb -> -1, '{\"a\": 1}'::jsonb -> 'zz', '{\"a\": null}'::jsonb ->> 'a'",
  "select '{\"a\": 1, \"b\": 2}'::jsonb @> '{\"a\": 1}', '{\"a\": 1}'::jsonb ? 'a', '{\"a\": 1}'::jsonb ?| array['x', 'a'], '{\"a\": 1}'::jsonb ?& array['x', 'a'], '[1, 2]'::jsonb @> '[2]', '[1, 2]'::jsonb @> '2', '{\"a\": 1}'::jsonb || '{\"b\": 2}', '[1]'::jsonb || '2', '{\"a\": 1, \"b\": 2}'::jsonb - 'a', '[1, 2, 3]'::jsonb - 1, '{\"a\": {\"b\": 1, \"c\": 2}}'::jsonb #- '{a,b}'",
  "select jsonb_set('{\"a\": {\"b\": 1}}', '{a,b}', '2'), jsonb_set('{\"a\": 1}', '{b}', '2'), jsonb_set('{\"a\": 1}', '{b}', '2', false), jsonb_set('[1, 2]', '{0}', '9'), jsonb_build_object('a', 1, 'b', null), jsonb_build_array(1, 'x'), to_jsonb(5), jsonb_array_length('[1, 2]'), jsonb_typeof('{}'), jsonb_strip_nulls('{\"a\": null, \"b\": 1}'), '{\"b\": 1, \"a\": 2}'::jsonb = '{\"a\": 2, \"b\": 1}'::jsonb",
  'select * from jsonb_array_elements(\'[1, {"a": 2}]\'), jsonb_each(\'{"x": 1, "y": [2]}\')',
  'select value from jsonb_array_elements_text(\'["a", 2, null]\') as value',
  "select '{bad'::jsonb",
  "select int4range(1, 5), int4range(1, 5, '[]'), int4range(3, 3), int4range(1, 5) @> 3, int4range(1, 5) @> 5, int4range(1, 5) && int4range(4, 9), int4range(1, 5) && int4range(5, 9), int4range(1, 3) << int4range(3, 5), int4range(1, 3) -|- int4range(3, 5), int4range(1, null) @> 100, lower(int4range(1, 5)), upper(int4range(1, 5)), isempty(int4range(1, 1)), '[1,4]'::int4range",
  "select daterange('2024-01-01', '2024-01-03', '[]'), tsrange('2024-01-01', '2024-01-02') @> timestamp '2024-01-01 12:00', numrange(1.5, 2.5)",
  'select int4range(5, 1)',
  // queries
  'select * from item order by id',
  'select name, count(*), sum(stock), avg(stock), min(price), max(price) from item group by name order by name',
  'select count(*), count(price), sum(price), round(avg(price), 4), count(distinct name), bool_and(active), bool_or(active) from item',
  'select sum(stock) from item where id > 99',
  'select lower(name) as n, count(*) from item group by lower(name) having count(*) > 1',
  'select name, count(*) filter (where stock > 5), sum(stock) filter (where active) from item group by 1 order by 1',
  "select string_agg(name, ', ' order by id), array_agg(id order by id desc), jsonb_agg(id order by id), jsonb_object_agg(id, name) from item",
  'select distinct name from item order by name',
  'select distinct on (name) name, id from item order by name, id desc',
  'select i.name, s.qty from item i join sale s on s.item = i.id order by s.id',
  'select i.name, s.qty from item i left join sale s on s.item = i.id and s.qty > 2 order by i.id, s.id',
  'select i.name, s.id from item i right join sale s on s.item = i.id order by s.id',
  'select i.name, s.id from item i full join sale s on s.item = i.id and s.qty > 1 order by i.id, s.id',
  'select * from item i full join sale s on s.item = i.id where i.id is null or s.id is null',
  'select a.id, b.id from item a cross join item b where a.id < b.id order by 1, 2',
  'select id, x.total from item, lateral (select sum(qty) as total from sale where sale.item = item.id) x order by id',
  'select i.id, l.at from item i left join lateral (select at from sale s where s.item = i.id order by at desc limit 1) l on true order by i.id',
  'select id from item where exists (select 1 from sale where sale.item = item.id) order by id',
  'select id from item where id not in (select item from sale where item is not null) order by id',
  'select id from item where id not in (select item from sale) order by id',
  'select id from item where price = (select max(price) from item) order by id',
  'select id, (select count(*) from sale where item = i.id) from item i order by id',
  'select (select id from item)',
  'select id from item where (name, stock) in (select name, max(stock) from item group by name) order by id',
  'select id from item where stock > all (select qty from sale where item = 1) order by id',
  'select array(select id from item order by id)',
  'with a as (select * from item where stock > 3), b as (select sum(stock) as t from a) select a.id, b.t from a, b order by a.id',
  'select * from (with x as (select id from item where id < 3) select id * 2 as d from x) y order by d',
  'with recursive n(i) as (select 1 union all select i + 1 from n where i < 5) select i from n',
  'with recursive n(i) as (select 1 union select (i % 3) + 1 from n) select i from n order by i',
  'select id, row_number() over (order by id), rank() over (order by name), dense_rank() over (order by name) from item order by id',
  'select id, sum(stock) over (partition by name order by id), sum(stock) over (partition by name), count(*) over () from item order by id',
  'select id, lag(stock) over (order by id), lead(stock, 1, -1) over (order by id), first_value(name) over (order by id), last_value(id) over (order by id rows between unbounded preceding and unbounded following) from item order by id',
  'select id, sum(stock) over (order by id rows between 1 preceding and current row), sum(stock) over w from item window w as (partition by active order by id) order by id',
  'select name, sum(stock) as s, rank() over (order by sum(stock) desc) from item group by name order by name',
  'select * from (select id, row_number() over (partition by name order by id desc) as n from item) x where n = 1 order by id',
  'select id from item order by price nulls first, id desc',
  'select id from item order by price desc, id limit 2 offset 1',
  'select id from item order by id fetch first 2 rows only',
  'select id from item union select item from sale order by 1',
  'select name from item union all select name from item order by name limit 3',
  'select id from item intersect select item from sale order by 1',
  'select name from item except all select name from item where id = 1 order by 1',
  'values (1, 2), (3, 4) order by 1 desc',
  "select * from (values (1, 'a'), (2, 'b')) as v(n, t) where n > 1",
  'select unnest.x from unnest(array[3, 1]) as unnest(x) order by 1',
  "select * from unnest(array['a', 'b']) with ordinality as t(v, n)",
  "select id from item where tags @> array['red'] or tags is null order by id",
  "select id, data->>'a', data#>'{b,c,1}' from item order by id",
  'select id from item where data @> \'{"a": 1}\'',
  'select id, extract(year from added), seen::date from item order by id',
  'select id from item where active is not true order by id',
  'select id from item where not active order by id',
  'select item.name from item natural join (select id from sale) s order by 1',
  'select id, qty from sale join (select id as item from item) i using (item) order by id',
  // changes
  "insert into item (id, name) values (9, 'kiwi') returning *",
  "insert into item (id, name) values (1, 'again')",
  "insert into item (id, name, stock) values (9, 'x', -1)",
  'insert into item (id) values (9)',
  'insert into sale values (9, 77, 1, now())',
  "insert into sale values (9, 1, 1, '2024-01-01', 'much too long')",
  "insert into item (id, name, price) values (9, 'x', 1234567.891)",
  "insert into item (id, name, price) values (9, 'x', 1.005) returning price",
  "insert into item (id, name) values (8, 'a'), (9, default), (10, 'b')",
  "insert into item (id, name) values (1, 'z') on conflict (id) do update set name = excluded.name || item.name, stock = item.stock + 1 returning id, name, stock",
  "insert into item (id, name) values (1, 'z'), (8, 'y') on conflict do nothing returning id",
  "insert into item (id, name) values (8, 'y'), (8, 'z') on conflict (id) do update set name = excluded.name",
  "insert into item (id, name) values (1, 'z') on conflict (id) do update set stock = 0 where item.stock > 100 returning id",
  'insert into item (id, name, stock) select id + 10, upper(name), stock from item where stock > 0 returning id, name',
  'insert into slot (room) values (3) returning id',
  'insert into slot (id, room) values (50, 3)',
  'insert into slot (id, room) overriding system value values (50, 3) returning id',
  'insert into slot (id, room) overriding user value values (50, 3) returning id',
  "insert into code (k, v) values ('c', 3) returning *",
  "insert into code (k, v) values ('c', null)",
  "insert into code (k, v, w) values ('c', 3, 4)",
  'insert into code (v) values (5), (6) returning k',
  'update item set stock = stock - 3 where id = 1 returning stock',
  'update item set stock = stock - 8 where id in (1, 4)',
  "update item set (name, stock) = (select 'sold', sum(qty) from sale where sale.item = item.id) where id = 1 returning name, stock",
  "update item set (name, stock) = ('pair', 1) where id = 2 returning name, stock",
  'update item set stock = default, active = default where id = 2 returning stock, active',
  'update item i set stock = stock + s.qty from sale s where s.item = i.id and s.id = 2 returning i.id, stock, s.qty',
  'update item set stock = (select max(stock) from item) + 1 where id < 3 returning id, stock',
  "update item set data = jsonb_set(coalesce(data, '{}'), '{n}', to_jsonb(stock)), tags = tags || array['new'] where id = 1 returning data, tags",
  'update item set id = id + 1',
  'update item set id = 50 where id = 1',
  'update code set v = v + 1 returning *',
  "update code set k = 'a' where k = 'b'",
  'delete from item where id = 1 returning id',
  'delete from item using sale where sale.item = item.id and sale.qty > 2 returning item.id',
  "delete from sale where item in (select id from item where name = 'apple') returning id",
  'with gone as (delete from sale where qty > 2 returning *) select count(*), sum(qty) from gone',
  'with gone as (delete from sale where qty > 2 returning *) select count(*) from sale',
  'with up as (update item set stock = 99 where id = 1 returning id, stock) select up.stock, item.stock from up join item using (id)',
  "with new as (insert into item (id, name) values (20, 'n') returning id) insert into sale select 20, id, 1, timestamp '2024-01-01' from new returning item",
  "merge into item t using (values (1, 5), (7, 6)) as s(id, n) on t.id = s.id when matched and t.stock > 100 then delete when matched then update set stock = t.stock + s.n when not matched then insert (id, name, stock) values (s.id, 'm', s.n)",
  'merge into item t using sale s on t.id = s.item when matched then update set stock = s.qty',
  'merge into item t using (select 3 as id) s on t.id = s.id when matched then delete when not matched then do nothing',
  'truncate sale',
  'truncate item',
  'truncate item cascade',
  // errors
  'select * from nowhere',
  'select nothing from item',
  'select id from item, sale',
  'selec 1',
  'select count(*) from item for update',
  'insert into item values (9)',
  "insert into item (id, name) values (9, 'a', 1)",
  "insert into item (id, nme) values (9, 'a')",
  "insert into item (id, name) values (1, 'z') on conflict (name) do nothing",
  "insert into item (id, name) values (1, 'z') on conflict do update set name = 'x'",
];

const integer = (r: Random, depth: number): string =>
  depth <= 0
    ? r.pick(['id', 'stock', 'qty', '0', '1', '2', '5', '-3', 'null::int'])
    : r.pick([
        () => `(${integer(r, depth - 1)} ${r.pick(['+', '-', '*'])} ${integer(r, depth - 1)})`,
        () => `(${integer(r, depth - 1)} ${r.pick(['/', '%'])} ${r.pick(['2', '3', integer(r, 0)])})`,
        () => `coalesce(${integer(r, depth - 1)}, ${integer(r, 0)})`,
        () => `nullif(${integer(r, depth - 1)}, ${integer(r, 0)})`,
        () => `case when ${condition(r, depth - 1)} then ${integer(r, depth - 1)} else ${integer(r, 0)} end`,
        () => `${r.pick(['greatest', 'least'])}(${integer(r, depth - 1)}, ${integer(r, 0)})`,
        () => `abs(${integer(r, depth - 1)})`,
        () => `length(${text(r, depth - 1)})`,
      ])();

const text = (r: Random, depth: number): string =>
  depth <= 0
    ? r.pick(['name', 'note', "'a'", "'apple'", "''", 'null::text'])
    : r.pick([
        () => `(${text(r, depth - 1)} || ${text(r, 0)})`,
        () => `upper(${text(r, depth - 1)})`,
        () => `left(${text(r, depth - 1)}, ${r.int(-2, 3)})`,
        () => `coalesce(${text(r, depth - 1)}, ${text(r, 0)})`,
        () => `(${integer(r, depth - 1)})::text`,
      ])();

const condition = (r: Random, depth: number): string =>
  depth <= 0
    ? `${integer(r, 0)} ${r.pick(['=', '<>', '<', '<=', '>', '>='])} ${integer(r, 0)}`
    : r.pick([
        () => `(${condition(r, depth - 1)} ${r.pick(['and', 'or'])} ${condition(r, depth - 1)})`,
        () => `not (${condition(r, depth - 1)})`,
        () => `${integer(r, depth - 1)} ${r.pick(['=', '<', '>='])} ${integer(r, depth - 1)}`,
        () => `${text(r, depth - 1)} ${r.pick(['=', 'like', '<>'])} ${text(r, 0)}`,
        () => `${integer(r, depth - 1)} ${r.pick(['in', 'not in'])} (${integer(r, 0)}, ${integer(r, 0)})`,
        () => `${integer(r, depth - 1)} is ${r.pick(['', 'not '])}null`,
        () => `(${condition(r, depth - 1)}) is ${r.pick(['true', 'not true', 'unknown', 'false'])}`,
        () => `${integer(r, 0)} between ${integer(r, 0)} and ${integer(r, 0)}`,
        () => `${integer(r, 0)} is distinct from ${integer(r, 0)}`,
        () => `exists (select 1 from sale x where x.item = i.id and x.qty > ${r.int(0, 4)})`,
        () => `i.id in (select item from sale x where ${r.pick(['x.qty > 1', 'x.item is not null', 'true'])})`,
        () =>
          `qty ${r.pick(['=', '>'])} ${r.pick(['any', 'all'])} (select x.stock from item x where x.id > ${r.int(0, 4)})`,
      ])();

/** Replaces column names by qualified ones. */
const qualify = (sql: string) =>
  sql
    .replace(/(?<![.\w'])(id|stock|name)\b(?!')/g, 'i.$1')
    .replace(/(?<![.\w'])(qty|note)\b(?!')/g, 's.$1')
    .replace(/i\.i\./g, 'i.');

/** A random SELECT over a join of two tables. */
export function drawSelect(r: Random): string {
  const kind = r.pick(['join', 'left join', 'right join', 'full join']);
  const from = `item i ${kind} sale s on s.item = i.id`;
  const grouped = r.chance(0.3);
  if (grouped) {
    const key = qualify(r.pick(['name', 'qty', text(r, 1), `(${condition(r, 0)})`]));
    const aggregates = [
      `count(*)`,
      `sum(${integer(r, 1)})`,
      `max(${integer(r, 1)})`,
      `min(${text(r, 0)})`,
      `count(distinct ${integer(r, 0)})`,
      `bool_or(${condition(r, 1)})`,
      `count(*) filter (where ${condition(r, 1)})`,
    ];
    const having = r.chance(0.4)
      ? ` having ${r.pick(['count(*) > 1', 'sum(s.qty) >= 2', 'max(i.id) is not null'])}`
      : '';
    return `select ${key} as k, ${qualify(r.shuffle(aggregates).slice(0, 2).join(', '))} from ${from} where ${qualify(condition(r, 2))} group by ${key}${having}`;
  }
  const columns = qualify([integer(r, 2), text(r, 2), condition(r, 2)].join(', '));
  const distinct = r.chance(0.2) ? 'distinct ' : '';
  const window = r.chance(0.2) ? ', sum(s.qty) over (partition by i.name order by s.id)' : '';
  return `select ${distinct}${columns}${window} from ${from} where ${qualify(condition(r, 2))}`;
}
