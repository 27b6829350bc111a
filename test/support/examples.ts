/** Arguments for each tool, as an agent would send them. The tests over all tools run every one of them. */
export const EXAMPLES: Readonly<Record<string, readonly Record<string, unknown>[]>> = {
  echo: [{ text: 'x' }],
  fail: [{ how: 'expected' }],
  slow: [{ steps: 1 }],
  'assess-consistency': [
    {
      design: {
        engine: 'postgresql 16',
        schema:
          'CREATE TABLE doctors (id int PRIMARY KEY, shift int NOT NULL, on_call boolean NOT NULL);' +
          'INSERT INTO doctors VALUES (1, 7, true), (2, 7, true);',
        operations: [
          {
            name: 'leave',
            steps: [
              'n := SELECT count(*) FROM doctors WHERE shift = 7 AND on_call',
              'if n >= 2: UPDATE doctors SET on_call = false WHERE id = :me',
            ],
            runs: [{ me: 1 }, { me: 2 }],
          },
        ],
        properties: [{ invariant: 'SELECT count(*) >= 1 FROM doctors WHERE shift = 7 AND on_call' }],
      },
    },
  ],
  'explain-isolation-level': [
    {},
    { database: 'postgres' },
    { database: 'pg16', level: 'RR' },
    { database: 'mysql', level: 'repeatable-read', anomaly: 'lost update' },
    { database: 'mssql', level: 'snapshot', compareWith: 'oracle serializable' },
    { database: 'redis', detail: 'full' },
  ],
  'recommend-pattern': [
    { problem: 'Clients retry POST /charges after a time-out, and some cards were charged twice.' },
    { problem: 'We save the order in MySQL and then publish to Kafka; some events are missing.', stack: ['kafka'] },
    { problem: 'An internal tool stores settings of users, one row each, in one database.' },
    { id: 'idempotency-key', detail: 'full' },
  ],
};
