// One SQLite connection in a thread of its own, since a statement that waits blocks its thread. JavaScript, because
// Node starts threads without the loader for TypeScript. Takes SQL, posts a Reply of engine.ts.
import { parentPort, workerData } from 'node:worker_threads';
import Database from 'better-sqlite3';

const database = new Database(workerData.file);
for (const pragma of workerData.pragmas) database.pragma(pragma);

parentPort.on('message', (sql) => parentPort.postMessage(run(sql)));
parentPort.postMessage('ready');

function run(sql) {
  try {
    const statement = database.prepare(sql);
    if (!statement.reader) {
      const { changes } = statement.run();
      return { kind: 'answer', columns: [], rows: [], count: changes };
    }
    const rows = statement.raw().all();
    return { kind: 'answer', columns: statement.columns().map(({ name }) => name), rows, count: rows.length };
  } catch (error) {
    return { kind: 'failure', code: error.code ?? 'CLIENT', message: error.message };
  }
}
