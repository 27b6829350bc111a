// Starts the built server, connects a client over stdio as an agent would, and reviews demo/payment.yaml with the
// three tools. Everything that is printed below a heading is the server's answer, unchanged.
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import pc from 'picocolors';
import { parse } from 'yaml';

const here = dirname(fileURLToPath(import.meta.url));
const text = readFileSync(join(here, 'payment.yaml'), 'utf8');

const client = new Client({ name: 'interleave-demo', version: '1.0.0' });
await client.connect(
  new StdioClientTransport({
    command: process.execPath,
    args: [join(here, '../dist/interleave.js')],
    stderr: 'inherit',
  }),
);

/** Calls a tool and prints what it answered. */
async function ask(question, name, input) {
  console.log(`\n${pc.bold(question)}\n${pc.dim(`${name}(${Object.keys(input).join(', ')})`)}\n`);
  const began = performance.now();
  const result = await client.callTool({ name, arguments: input });
  for (const block of result.content) if (block.type === 'text') console.log(block.text);
  console.log(pc.dim(`\n${Math.round(performance.now() - began)} ms`));
  if (result.isError) process.exitCode = 1;
}

try {
  console.log(pc.bold('The design under review'));
  console.log(text);
  await ask('Can it go wrong?', 'assess-consistency', { design: parse(text) });
  await ask('Would a stronger isolation level help?', 'explain-isolation-level', {
    database: 'postgresql 16',
    level: 'serializable',
  });
  await ask('How is this usually solved?', 'recommend-pattern', {
    problem:
      'The client retries a charge after a time-out. We look for a stored answer, call the card service, and store ' +
      'its answer afterwards; a crash or a lost answer in between charges the card twice.',
    stack: ['postgresql'],
  });
} finally {
  await client.close();
}
