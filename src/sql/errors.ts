/** SQL that the interpreter lacks. Whatever depends on it is answered "not analysed", never skipped. */
export class NotAnalysed extends Error {
  override name = 'NotAnalysed';
  /** What is missing, in SQL's own words. */
  readonly construct: string;
  constructor(construct: string) {
    super(`not analysed: ${construct}`);
    this.construct = construct;
  }
}

/** The text is not SQL, or names something that the schema does not have. */
export class SqlInputError extends Error {
  override name = 'SqlInputError';
}

/** An error that the database would give while it runs a statement. */
export class DatabaseError extends Error {
  override name = 'DatabaseError';
  /** SQLSTATE, or the vendor's error number where the dialect has no SQLSTATE of its own. */
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}
