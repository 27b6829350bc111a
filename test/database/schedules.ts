import type { Random } from '../support/random.ts';
import type { Schedule } from './observe.ts';

/** A kind of scenario: tables, the rows at the start, and what sessions may do. */
export interface Playground {
  readonly name: string;
  /** CREATE TABLE statements. */
  readonly tables: string;
  /** Table names, children before parents. */
  readonly names: readonly string[];
  readonly rows: string;
  readonly statements: readonly ((random: Random) => string)[];
}

const id = (r: Random) => r.int(1, 3);
const newId = (r: Random) => r.int(3, 6);
const value = (r: Random) => r.int(0, 3);
const LOCKS = ['for update', 'for no key update', 'for share', 'for key share'];
const lock = (r: Random) => `${r.pick(LOCKS)}${r.pick(['', '', '', ' skip locked', ' nowait'])}`;

/** Conditions on a table with id and v. All bound the key, so that a server scans in the order of the key. */
const where = (r: Random) =>
  r.pick([
    `id = ${id(r)}`,
    `id = ${id(r)}`,
    `id > 0 and v = ${value(r)}`,
    `id > 0 and v >= ${value(r)}`,
    `id >= ${id(r)} and v < ${value(r)}`,
    `id in (${id(r)}, ${id(r)}) and v <> ${value(r)}`,
    'id > 0',
  ]);

/** Plain rows: reads, locks, changes by key and by condition. */
const plain: Playground = {
  name: 'plain',
  tables: 'create table t (id int primary key, v int not null); create table s (id int primary key, v int not null)',
  names: ['t', 's'],
  rows: 'insert into t values (1, 0), (2, 1), (3, 2); insert into s values (1, 1), (2, 2)',
  statements: [
    (r) => `select * from t where ${where(r)}`,
    (r) => `select sum(v), count(*) from t where ${where(r)}`,
    (r) => `select t.id, s.v from t join s on s.id = t.id where t.id > 0 and t.v >= ${value(r)}`,
    (r) => `select * from t where ${where(r)} order by id ${lock(r)}`,
    (r) => `select * from t where ${where(r)} order by id limit 1 ${lock(r)}`,
    (r) =>
      `select t.id, s.v from t join s on s.id = t.v where t.id = ${id(r)} ${r.pick(['for update', 'for update of t', 'for share of s'])}`,
    (r) => `update t set v = v + 1 where ${where(r)}`,
    (r) => `update t set v = ${value(r)} where ${where(r)}`,
    (r) => `update t set v = ${value(r)} where ${where(r)} returning id, v`,
    (r) => `update t set v = (select count(*) from s where id > 0 and v > ${value(r)}) where id = ${id(r)}`,
    (r) => `update t set v = (select max(v) from t where id > 0) + 1 where id = ${id(r)}`,
    (r) => `update t set v = t.v + s.v from s where s.id = t.id and t.id = ${id(r)}`,
    (r) => `update t set v = 9 where id in (select id from s where ${where(r)})`,
    (r) =>
      `update t set v = 8 where id = (select id from t where ${where(r)} order by id limit 1 for update skip locked)`,
    (r) => `update s set v = v + ${value(r)} where ${where(r)}`,
    (r) => `delete from t where ${where(r)}`,
    (r) => `delete from s where id = ${id(r)} returning *`,
    (r) => `insert into t values (${newId(r)}, ${value(r)})`,
    (r) => `insert into t values (${newId(r)}, ${value(r)}) on conflict do nothing`,
    (r) => `insert into t values (${newId(r)}, ${value(r)}) on conflict (id) do update set v = t.v + 1 returning v`,
    (r) =>
      `insert into t values (${newId(r)}, ${value(r)}) on conflict (id) do update set v = excluded.v where t.v < ${value(r)}`,
    (r) => `insert into t select id + 3, v from s where ${where(r)}`,
    (r) => `with gone as (delete from s where id = ${id(r)} returning v) insert into t select 6, v from gone`,
    (r) => `update t set id = ${newId(r)} where id = ${id(r)}`,
    (r) => `select pg_advisory_xact_lock(${r.int(1, 2)})`,
  ],
};

/** Parents and children. */
const family = (action: string): Playground => ({
  name: `family ${action || 'restrict'}`,
  tables: `create table p (id int primary key, v int not null); create table c (id int primary key, pid int references p (id) ${action}, v int not null)`,
  names: ['c', 'p'],
  rows: 'insert into p values (1, 0), (2, 1); insert into c values (1, 1, 0), (2, 1, 1), (3, 2, 2)',
  statements: [
    (r) => `insert into c values (${newId(r)}, ${id(r)}, ${value(r)})`,
    (r) => `insert into c values (${newId(r)}, ${id(r)}, ${value(r)})`,
    (r) => `insert into p values (${r.int(2, 4)}, ${value(r)})`,
    (r) => `delete from p where id = ${r.int(1, 2)}`,
    (r) => `delete from p where id = ${r.int(1, 2)}`,
    (r) => `delete from c where ${where(r)}`,
    (r) => `update c set pid = ${id(r)} where id = ${id(r)}`,
    (r) => `update c set v = v + 1 where ${where(r)}`,
    (r) => `update p set v = v + 1 where ${where(r)}`,
    (r) => `update p set id = ${r.int(2, 4)} where id = ${r.int(1, 2)}`,
    (r) => `select * from c where ${where(r)}`,
    (r) => `select * from p where ${where(r)} order by id ${lock(r)}`,
    () => 'select p.id, c.id from p left join c on c.pid = p.id where p.id > 0',
    (r) => `select * from c where id > 0 and pid = ${id(r)} order by id ${lock(r)}`,
  ],
});

/** Unique keys, checks, ranges that exclude each other. */
const rules: Playground = {
  name: 'rules',
  tables:
    'create table u (id int primary key, k int unique, v int not null check (v <= 3)); create unique index u_live on u (v) where k > 10; create table b (id int primary key, during int4range, exclude using gist (during with &&))',
  names: ['u', 'b'],
  rows: "insert into u values (1, 1, 0), (2, 2, 1), (3, null, 2); insert into b values (1, '[1,3)'), (2, '[5,7)')",
  statements: [
    (r) => `insert into u values (${newId(r)}, ${r.int(1, 4)}, ${value(r)})`,
    (r) => `insert into u values (${newId(r)}, ${r.int(10, 12)}, ${value(r)})`,
    (r) => `insert into u values (${newId(r)}, ${r.int(1, 4)}, ${value(r)}) on conflict do nothing`,
    (r) => `insert into u values (${newId(r)}, ${r.int(1, 4)}, ${value(r)}) on conflict (k) do update set v = u.v + 1`,
    (r) => `insert into u values (${newId(r)}, ${r.int(1, 4)}, ${value(r)}) on conflict (k) do nothing returning id`,
    (r) => `update u set k = ${r.int(1, 4)} where id = ${id(r)}`,
    (r) => `update u set k = k where id = ${id(r)}`,
    (r) => `update u set v = v + 1 where ${where(r)}`,
    (r) => `delete from u where id = ${id(r)}`,
    (r) => `delete from u where k = ${r.int(1, 4)}`,
    (r) => `select * from u where ${where(r)}`,
    (r) => `select * from u where k = ${r.int(1, 3)} ${lock(r)}`,
    (r) => `insert into b values (${newId(r)}, int4range(${r.int(0, 6)}, ${r.int(6, 8)}))`,
    (r) => `insert into b values (${newId(r)}, int4range(${r.int(2, 4)}, ${r.int(4, 6)})) on conflict do nothing`,
    (r) => `update b set during = int4range(${r.int(0, 6)}, ${r.int(6, 8)}) where id = ${r.int(1, 2)}`,
    (r) => `delete from b where id = ${r.int(1, 2)}`,
    () => 'select id from b where id > 0',
  ],
};

/** The scenarios for PostgreSQL. */
export const POSTGRES_PLAYGROUNDS: readonly Playground[] = [
  plain,
  plain,
  family(''),
  family('on delete cascade'),
  family('on delete set null on update cascade'),
  rules,
];

const mysqlLock = (r: Random) =>
  r.pick(['for update', 'for update', 'lock in share mode', 'for update skip locked', 'for update nowait']);

/** Rows by key and by a second index. */
const mysqlPlain: Playground = {
  name: 'plain',
  tables:
    'create table t (id int primary key, v int not null, key v (v)); create table s (id int primary key, v int not null)',
  names: ['t', 's'],
  rows: 'insert into t values (1, 0), (2, 1), (3, 2); insert into s values (1, 1), (2, 2)',
  statements: [
    (r) => `select * from t where id = ${id(r)}`,
    (r) => `select * from t where v >= ${value(r)}`,
    (r) => `select sum(v), count(*) from s where v >= ${value(r)}`,
    (r) => `select * from t where id = ${r.int(1, 4)} ${mysqlLock(r)}`,
    (r) => `select * from s where v >= ${value(r)} ${mysqlLock(r)}`,
    (r) => `update t set v = v + 1 where id = ${id(r)}`,
    (r) => `update s set v = v + 1 where id = ${id(r)}`,
    (r) => `update s set v = ${value(r)} where v >= ${value(r)}`,
    (r) => `update s set v = (select max(v) from t) where id = ${r.int(1, 2)}`,
    (r) => `update s join t on t.id = s.id set s.v = t.v + 5 where s.id = ${r.int(1, 2)}`,
    (r) => `update s set v = v + 10 order by id desc limit 1`.replace('10', String(value(r) + 1)),
    (r) => `delete from t where id = ${id(r)}`,
    (r) => `delete from s where v = ${value(r)}`,
    (r) => `insert into t values (${newId(r)}, ${value(r)})`,
    (r) => `insert into s values (${newId(r)}, ${value(r)})`,
    (r) => `insert ignore into t values (${newId(r)}, ${value(r)})`,
    (r) => `insert into t values (${newId(r)}, ${value(r)}) on duplicate key update v = v + values(v)`,
    (r) => `replace into s values (${id(r)}, ${value(r)})`,
    (r) => `insert into s select id + 3, v from t where id = ${id(r)}`,
  ],
};

/** Parents and children in InnoDB. */
const mysqlFamily: Playground = {
  name: 'family',
  tables:
    'create table p (id int primary key, v int not null); create table c (id int primary key, pid int, v int not null, key pid (pid), foreign key (pid) references p (id) on delete cascade)',
  names: ['c', 'p'],
  rows: 'insert into p values (1, 0), (2, 1); insert into c values (1, 1, 0), (2, 1, 1), (3, 2, 2)',
  statements: [
    (r) => `insert into c values (${newId(r)}, ${id(r)}, ${value(r)})`,
    (r) => `insert into p values (${r.int(2, 4)}, ${value(r)})`,
    (r) => `delete from p where id = ${r.int(1, 2)}`,
    (r) => `delete from c where id = ${id(r)}`,
    (r) => `update c set pid = ${id(r)} where id = ${id(r)}`,
    (r) => `update p set v = v + 1 where id = ${r.int(1, 2)}`,
    (r) => `select * from c where pid = ${id(r)}`,
    (r) => `select * from p where id = ${r.int(1, 2)} ${mysqlLock(r)}`,
    () => 'select count(*) from c',
  ],
};

/** The scenarios for MariaDB. */
export const MARIADB_PLAYGROUNDS: readonly Playground[] = [mysqlPlain, mysqlPlain, mysqlFamily];

/** Draws programs and turns. */
export function drawSchedule(playground: Playground, random: Random, maySkip: boolean): Schedule {
  const sessions = Array.from({ length: random.chance(0.35) ? 3 : 2 }, () => {
    const own: string[] = [];
    for (let left = random.int(1, random.chance(0.3) ? 4 : 3); left > 0; ) {
      const statement = random.pick(playground.statements)(random);
      if (!maySkip && / skip locked/.test(statement)) continue;
      own.push(statement);
      left--;
    }
    return [...own, random.chance(0.12) ? 'rollback' : 'commit'];
  });
  const turns = random.shuffle(sessions.flatMap((own, session) => own.map(() => session)));
  return { sessions, turns };
}
