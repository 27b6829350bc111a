import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { CatalogueError } from '../catalogue/frontmatter.ts';
import type { CatalogueFolders } from '../catalogue/load.ts';
import { lazyCatalogue, reportOnStderr } from '../server.ts';
import { ToolError } from '../tools/tool.ts';
import { VERSION } from '../version.ts';
import { addToolOptions, hasTool, runTool, type ToolCommand } from './tool-command.ts';

/** What the process ends with. */
export const EXIT = {
  ok: 0,
  /** `assess` found a property broken. */
  broken: 1,
  /** The input cannot be used, or does not say enough for a verdict. */
  unusable: 2,
  /** A fault of Interleave itself. */
  fault: 70,
} as const;

interface CommonOptions extends CatalogueFolders {
  readonly json?: boolean;
}

/** Runs the command line and sets the exit code. */
export async function run(argv: readonly string[]): Promise<void> {
  const program = buildProgram();
  try {
    await program.parseAsync(argv as string[]);
  } catch (error) {
    process.exitCode = exitCodeOf(error);
  }
}

function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.unusable;
  if (error instanceof ToolError || error instanceof CatalogueError) {
    console.error(error.message);
    return EXIT.unusable;
  }
  // The reader of the output went away, as in `interleave patterns | head`.
  if ((error as NodeJS.ErrnoException).code === 'EPIPE') return EXIT.ok;
  console.error('Interleave failed for an unexpected reason; please report this:');
  reportOnStderr(error);
  return EXIT.fault;
}

function buildProgram(): Command {
  const program = new Command('interleave')
    .description(
      'Reviews the design of a data system by exploring its interleavings.\n' +
        'Without a command it is an MCP server on standard input and output.',
    )
    .version(VERSION, '-V, --version', 'print the version')
    .exitOverride()
    .showHelpAfterError('(--help shows what is allowed)')
    // `--version` after a command is that command's own, e.g. the version of a database.
    .enablePositionalOptions()
    .addHelpText('after', example('interleave assess design.yaml'))
    .action(async (options: CommonOptions) => {
      const [{ serveOnStdio }, { tools }] = await Promise.all([import('../mcp/stdio.ts'), import('../tools/index.ts')]);
      serveOnStdio({ tools, catalogue: lazyCatalogue(options) });
    });

  addFolders(program);

  for (const command of TOOL_COMMANDS.filter(hasTool)) {
    const sub = program.command(command.usage).description(command.description);
    addToolOptions(sub, command);
    sub
      .option('--json', 'print the structured answer')
      .addHelpText('after', example(...command.examples))
      .action(async (...parameters: unknown[]) => {
        const positionals = parameters.slice(0, -2);
        const { patterns, databases, ...options } = sub.opts();
        process.exitCode = await runTool(command, positionals, options, lazyCatalogue(sub.optsWithGlobals()));
      });
    addFolders(sub);
  }

  for (const kind of ['patterns', 'databases'] as const) {
    const one = kind.slice(0, -1);
    const sub = program
      .command(`${kind} [id]`)
      .description(`list the ${kind}, or print one`)
      .option('--json', `print the ${kind} as JSON`)
      .addHelpText('after', example(`interleave ${kind}`, `interleave ${kind} ${EXAMPLE_IDS[kind]}`))
      .action(async (id: string | undefined, options: CommonOptions) => {
        const { printEntries } = await import('./entries.ts');
        printEntries(lazyCatalogue(sub.optsWithGlobals())()[kind], one, id, options.json === true);
      });
    addFolders(sub);
  }

  const http = program
    .command('http')
    .description(`serve MCP over HTTP at /mcp, on loopback unless --host says otherwise`)
    .addOption(
      new Option('--port <n>', 'port to listen on; 0 for any free one').argParser(portOf).makeOptionMandatory(),
    )
    .addOption(new Option('--host <address>', 'address to bind; any but loopback needs a token').default('127.0.0.1'))
    .addOption(new Option('--token <token>', 'bearer token that requests must carry').env('INTERLEAVE_TOKEN'))
    .option('--allow-host <name...>', 'further names under which the server is reached (Host and Origin headers)')
    .addHelpText(
      'after',
      example('interleave http --port 7788', 'INTERLEAVE_TOKEN=… interleave http --port 7788 --host 0.0.0.0'),
    )
    .action(async (options: { port: number; host: string; token?: string; allowHost?: string[] }) => {
      const [{ serveOnHttp }, { tools }] = await Promise.all([import('../mcp/http.ts'), import('../tools/index.ts')]);
      const { server, url } = await serveOnHttp(
        { tools, catalogue: lazyCatalogue(http.optsWithGlobals()) },
        { ...options, token: options.token || undefined, allowedHosts: options.allowHost ?? [] },
      );
      console.error(`Interleave serves MCP at ${url}`);
      for (const signal of ['SIGINT', 'SIGTERM'] as const) {
        process.once(signal, () => {
          server.close(() => process.exit(0));
          server.closeAllConnections();
        });
      }
    });
  addFolders(http);

  return program;
}

const EXAMPLE_IDS = { patterns: 'transactional-outbox', databases: 'postgresql' } as const;

const TOOL_COMMANDS: readonly ToolCommand[] = [
  {
    tool: 'explain-isolation-level',
    usage: 'explain <database> [level]',
    positionals: ['database', 'level'],
    description: 'what an isolation level or consistency setting really gives',
    examples: ['interleave explain postgresql "repeatable read"', 'interleave explain mysql --version 8.4'],
  },
  {
    tool: 'recommend-pattern',
    usage: 'recommend <problem>',
    positionals: ['problem'],
    description: 'patterns for a problem described in words',
    examples: ['interleave recommend "a client retries the payment after a time-out"'],
  },
  {
    tool: 'assess-consistency',
    usage: 'assess [file]',
    document: 'design',
    positionals: [],
    description:
      'explore a design (YAML or JSON; standard input without a file)\nexit code: 0 sound, 1 broken, 2 unusable input or no verdict',
    examples: ['interleave assess design.yaml', 'cat design.json | interleave assess --json'],
    exitCode: (answer) => {
      const verdict = String((answer as { verdict?: unknown }).verdict);
      if (verdict.startsWith('sound')) return EXIT.ok;
      return verdict.startsWith('broken') ? EXIT.broken : EXIT.unusable;
    },
  },
];

/** Folders with files of a team's own; allowed before and after every command. */
function addFolders(command: Command): void {
  for (const kind of ['patterns', 'databases']) {
    command.addOption(new Option(`--${kind} <folder>`, `folder with ${kind} of your own; the same id replaces ours`));
  }
}

function example(...lines: readonly string[]): string {
  return `\nExample${lines.length > 1 ? 's' : ''}:\n${lines.map((line) => `  $ ${line}`).join('\n')}\n`;
}

function portOf(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535) throw new InvalidArgumentError('a port is a number from 0 to 65535.');
  return port;
}
