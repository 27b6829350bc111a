#!/usr/bin/env node
// The server is what almost every start is for: it runs without loading the command line.
if (process.argv.length === 2) {
  const [{ serveOnStdio }, { lazyCatalogue }, { tools }] = await Promise.all([
    import('./mcp/stdio.ts'),
    import('./server.ts'),
    import('./tools/index.ts'),
  ]);
  if (process.stdin.isTTY) {
    console.error(
      'Interleave speaks MCP on standard input and output; an MCP client starts it. See interleave --help.',
    );
  }
  serveOnStdio({ tools, catalogue: lazyCatalogue({}) });
} else {
  const { run } = await import('./cli/program.ts');
  await run(process.argv);
}
