import type { Dialect } from '../../sql/parse.ts';

/** Codes by dialect: SQLSTATE for PostgreSQL, the vendor's error number for the others. */
export const CODES = {
  serialization: { postgresql: '40001', mysql: '1020', sqlserver: '3960', oracle: 'ORA-08177' },
  deadlock: { postgresql: '40P01', mysql: '1213', sqlserver: '1205', oracle: 'ORA-00060' },
  unique: { postgresql: '23505', mysql: '1062', sqlserver: '2627', oracle: 'ORA-00001' },
  foreignKey: { postgresql: '23503', mysql: '1452', sqlserver: '547', oracle: 'ORA-02291' },
  parentInUse: { postgresql: '23503', mysql: '1451', sqlserver: '547', oracle: 'ORA-02292' },
  check: { postgresql: '23514', mysql: '3819', sqlserver: '547', oracle: 'ORA-02290' },
  notNull: { postgresql: '23502', mysql: '1048', sqlserver: '515', oracle: 'ORA-01400' },
  exclusion: { postgresql: '23P01', mysql: '1062', sqlserver: '2627', oracle: 'ORA-00001' },
  lockNotAvailable: { postgresql: '55P03', mysql: '3572', sqlserver: '1222', oracle: 'ORA-00054' },
  twice: { postgresql: '21000', mysql: '1093', sqlserver: '8672', oracle: 'ORA-30926' },
  savepoint: { postgresql: '3B001', mysql: '1305', sqlserver: '6401', oracle: 'ORA-01086' },
  lateLevel: { postgresql: '25001', mysql: '1568', sqlserver: '3951', oracle: 'ORA-01453' },
  undrawn: { postgresql: '55000', mysql: '4084', sqlserver: '11728', oracle: 'ORA-08002' },
  referenced: { postgresql: '0A000', mysql: '1701', sqlserver: '4712', oracle: 'ORA-02266' },
} as const satisfies Record<string, Record<Dialect, string>>;
