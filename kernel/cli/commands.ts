import type { Command } from 'commander';
import { type CommandDefinition, commandPoint } from '../../sdk/command.ts';
import type { PluginContext, PluginDefinition } from '../../sdk/plugin.ts';
import type { Builtins } from '../loader/sources.ts';

/**
 * The sub-commands that plugins contribute: `command.explain` is `kernetes explain`. Only the one
 * that is called is loaded; all are where they are to be listed.
 */
export async function addCommands(
  program: Command,
  builtins: Builtins,
  argv: readonly string[],
): Promise<void> {
  const names = builtins.names().filter(name => name.startsWith(PREFIX));
  const called = names.find(name => argv[2] === name.slice(PREFIX.length));
  for (const name of called === undefined ? names : [called]) {
    const definition = await builtins.get(name)?.load();
    if (definition) addCommand(program, await commandOf(definition));
  }
}

const PREFIX = 'command.';

async function commandOf(definition: PluginDefinition): Promise<CommandDefinition> {
  const provided: CommandDefinition[] = [];
  const provide = (point: unknown, value: unknown): (() => void) => {
    if (point !== commandPoint) throw new Error('A command has only the point "command"');
    provided.push(value as CommandDefinition);
    return () => {};
  };
  const context = { name: definition.name, config: {}, provide };
  await definition.activate(context as unknown as PluginContext);
  const [command] = provided;
  if (command === undefined) throw new Error(`Plugin "${definition.name}" gives no command`);
  return command;
}

function addCommand(program: Command, definition: CommandDefinition): void {
  const command = program.command(definition.name).description(definition.description);
  for (const { name, description, optional } of definition.arguments) {
    command.argument(optional ? `[${name}]` : `<${name}>`, description);
  }
  for (const option of definition.options) {
    command.option(option.flags, option.description, option.default);
  }
  command
    .option('-n, --namespace <name>', "default: that of the kubeconfig's context")
    .option('--kubeconfig <file>', 'default: KUBECONFIG, else ~/.kube/config')
    .option('--context <name>', 'of the kubeconfig (default: its current one)')
    .action(() => run(definition, command));
}

async function run(definition: CommandDefinition, command: Command): Promise<void> {
  // Reading kubeconfigs is a library that takes a while to load.
  const { openApiClient } = await import('./api-client.ts');
  const options: Readonly<Record<string, string | boolean | undefined>> = command.opts();
  const client = openApiClient({
    kubeconfig: textOf(options.kubeconfig),
    context: textOf(options.context),
  });
  const given = definition.arguments.map(({ name }, i) => [name, command.args[i]]);
  await definition.run({
    arguments: Object.fromEntries(given),
    options,
    namespace: textOf(options.namespace) ?? client.namespace ?? 'default',
    get: path => client.get(path),
    print: text => void process.stdout.write(`${text}\n`),
  });
}

function textOf(value: string | boolean | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
