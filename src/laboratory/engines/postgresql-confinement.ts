import type pg from 'pg';

/**
 * Functions that everybody may call and that reach beyond the scratch tables: other sessions, large objects (which no
 * reset drops) and the server's log.
 */
const FORBIDDEN = [
  'pg_terminate_backend',
  'pg_cancel_backend',
  'pg_logical_emit_message',
  'lo_creat',
  'lo_create',
  'lo_from_bytea',
  'lo_open',
  'lo_put',
  'lo_import',
  'lo_export',
];

/**
 * Takes from everybody, in this database only, what reaches beyond its scratch schema.
 *
 * @param owner a connection to the scratch database as the one who made it
 */
export async function confine(owner: pg.Client): Promise<void> {
  await owner.query('REVOKE ALL ON SCHEMA public FROM PUBLIC');
  const { rows } = await owner.query(
    `SELECT oid::regprocedure::text AS signature FROM pg_proc
      WHERE pronamespace = 'pg_catalog'::regnamespace AND proname = ANY($1)`,
    [FORBIDDEN],
  );
  for (const { signature } of rows) await owner.query(`REVOKE EXECUTE ON FUNCTION ${signature} FROM PUBLIC`);
}
