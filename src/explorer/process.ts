import { ComponentError } from '../components/component.ts';
import { commit, disconnect, execute, type Outcome, rollback } from '../components/database/session.ts';
import type { DatabaseState } from '../components/database/state.ts';
import { DesignError } from '../design/design.ts';
import { toText } from '../sql/values.ts';
import { advance, afterError, assign, type Label, type Local, shown, start, written } from './local.ts';
import { bind, type Instruction, type Process, type Program } from './program.ts';

/** One thing that may happen next. */
export interface Move {
  /** Index of the component that it touches; 0 is the database. */
  readonly component: number;
  readonly perform: (state: unknown) => readonly Effect[];
}

/** A result of a move. */
export interface Effect {
  readonly state: unknown;
  readonly local: Local;
  readonly fault: boolean;
  readonly label: Label;
}

const DATABASE = 0;

/** Everything that request `index` may do or suffer next. */
export function moves(program: Program, index: number, local: Local): readonly Move[] {
  const request = new Request(program, index, local);
  switch (local.status) {
    case 'aborted':
    case 'dead':
      return [];
    case 'done':
      return request.loseAnswer();
    case 'failing':
      return [request.rollBack()];
    case 'crashing':
      return [request.noticeCrash()];
    default:
      return [request.step(), ...request.crash()];
  }
}

/** The moves of one request in one local state. */
class Request {
  readonly #program: Program;
  readonly #index: number;
  readonly #local: Local;
  readonly #process: Process;

  constructor(program: Program, index: number, local: Local) {
    this.#program = program;
    this.#index = index;
    this.#local = local;
    this.#process = program.processes[index] as Process;
  }

  #line(kind: Label['kind'], text: string, effect: string): Label {
    return { process: this.#index, kind, text, effect };
  }

  #next(changes: Partial<Local>): Local {
    return advance(this.#process, { ...this.#local, status: 'ready', pc: this.#local.pc + 1, ...changes });
  }

  #failed(state: unknown, label: Label, code: string, fault: boolean): Effect {
    return {
      state,
      local: afterError(this.#program, this.#index, this.#closed(), code),
      fault,
      label,
    };
  }

  /** The same without a transaction. */
  #closed(): Local {
    const { committing: _, ...rest } = this.#local;
    return { ...rest, open: false };
  }

  get #again(): boolean {
    return this.#local.attempt < this.#process.operation.retries;
  }

  /** The request succeeded, but its caller does not hear of it and tries again. */
  loseAnswer(): Move[] {
    if (!this.#again) return [];
    const label = this.#line('fault', 'answer lost', 'the caller tries again');
    const local = start(this.#program, this.#index, this.#local.attempt + 1, this.#local.broke);
    return [{ component: DATABASE, perform: (state) => [{ state, local, fault: true, label }] }];
  }

  rollBack(): Move {
    const label = this.#line('rollback', 'ROLLBACK', '');
    return {
      component: DATABASE,
      perform: (state) => [
        this.#failed(
          rollback(this.#program.context, state as DatabaseState, this.#index),
          label,
          this.#local.code ?? '',
          false,
        ),
      ],
    };
  }

  step(): Move {
    if (this.#local.committing)
      return { component: DATABASE, perform: (state) => this.#commitStatement(state as DatabaseState) };
    const instruction = this.#process.instructions[this.#local.pc] as Instruction;
    switch (instruction.kind) {
      case 'sql':
        return { component: DATABASE, perform: (state) => this.#sql(state as DatabaseState, instruction) };
      case 'await':
        return { component: DATABASE, perform: (state) => this.#await(state as DatabaseState, instruction) };
      case 'call':
        return { component: instruction.component + 1, perform: (state) => this.#call(state, instruction) };
      case 'commit':
        return { component: DATABASE, perform: (state) => this.#commit(state as DatabaseState) };
      default:
        return {
          component: DATABASE,
          perform: (state) => {
            const after = rollback(this.#program.context, state as DatabaseState, this.#index);
            const local: Local = { ...this.#local, status: 'aborted', open: false, code: 'rolled back' };
            return [
              {
                state: after,
                local,
                fault: false,
                label: this.#line('rollback', 'ROLLBACK', 'by the operation itself'),
              },
            ];
          },
        };
    }
  }

  #sql(state: DatabaseState, instruction: Extract<Instruction, { kind: 'sql' }>): Effect[] {
    const { pc, variables, log, open } = this.#local;
    const { transaction } = this.#process;
    const autocommit = transaction === 'none' || (transaction === 'explicit' && !this.#inTransaction());
    const parameters = bind(instruction.parameters, variables);
    // A change that commits alone still holds its locks, and is not yet seen, between its end and its commit.
    const apart = autocommit && instruction.plan.kind !== 'select';
    const caller = { session: this.#index, control: this.#levelAt(pc).control, autocommit: autocommit && !apart };
    const outcome = execute(this.#program.context, state, caller, instruction.plan, parameters);
    const text = written(instruction.text, instruction.parameters, parameters);
    if (outcome.kind === 'waits') return this.#waits(state, outcome, text);
    if (outcome.kind === 'error') {
      return [
        this.#failed(
          outcome.state,
          this.#line('error', text, `${outcome.code} ${outcome.message}`),
          outcome.code,
          false,
        ),
      ];
    }
    const { result } = outcome;
    const rows = instruction.ordered
      ? result.rows
      : [...result.rows].sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
    const changes = {
      variables: assign(variables, instruction, result),
      log: [...log, JSON.stringify([rows, result.count])],
    };
    const local: Local = apart
      ? { ...this.#local, ...changes, status: 'ready', open: true, committing: true }
      : this.#next({ ...changes, open: open || !autocommit });
    const label: Label = {
      ...this.#line('statement', text, shown(result, instruction.plan.kind)),
      ...(result.access && { access: result.access }),
    };
    return [{ state: outcome.state, local, fault: false, label }];
  }

  /** A statement that still waits as before is not a move. */
  #waits(before: DatabaseState, outcome: Extract<Outcome, { kind: 'waits' }>, text: string): Effect[] {
    if (this.#local.status === 'waiting' && JSON.stringify(before) === JSON.stringify(outcome.state)) return [];
    const others = outcome.on.map((by) => this.#program.processes[by]?.name).join(', ');
    const label = this.#line('waits', text, `waits for ${others}`);
    return [{ state: outcome.state, local: { ...this.#local, status: 'waiting', open: true }, fault: false, label }];
  }

  /** Goes on once the SELECT gives a row of what is committed. */
  #await(state: DatabaseState, instruction: Extract<Instruction, { kind: 'await' }>): Effect[] {
    const parameters = bind(instruction.parameters, this.#local.variables);
    const caller = { session: this.#index, control: 'read-committed-mvcc', autocommit: true } as const;
    const outcome = execute(this.#program.context, state, caller, instruction.plan, parameters);
    if (outcome.kind !== 'done' || outcome.result.rows.length === 0) return [];
    const label = this.#line('statement', written(instruction.text, instruction.parameters, parameters), '');
    return [{ state, local: this.#next({}), fault: false, label }];
  }

  #call(state: unknown, instruction: Extract<Instruction, { kind: 'call' }>): Effect[] {
    const component = this.#program.components[instruction.component];
    const { variables } = this.#local;
    if (!component) return [];
    const args = Object.fromEntries(
      instruction.arguments.map((argument) => [argument.name, argument.value.evaluate(variables)]),
    );
    const shownArguments = Object.entries(args).map(
      ([name, value]) => `${name === 'value' ? '' : `${name}: `}${toText(value)}`,
    );
    const text = `${component.name}.${instruction.verb}(${shownArguments.join(', ')})`;
    let outcomes: ReturnType<typeof component.call>;
    try {
      outcomes = component.call(state, instruction.verb, args, {
        process: this.#index,
        request: variables,
      });
    } catch (error) {
      if (error instanceof ComponentError) throw new DesignError(`step "${instruction.text}": ${error.message}`);
      throw error;
    }
    return outcomes.map((outcome) => {
      const label = this.#line(outcome.fault ? 'fault' : 'call', text, outcome.says);
      if (outcome.answer === undefined) {
        const code = outcome.fault ? 'time-out' : 'rejected';
        if (!this.#local.open) return this.#failed(outcome.state, label, code, outcome.fault);
        return {
          state: outcome.state,
          local: { ...this.#local, status: 'failing', code },
          fault: outcome.fault,
          label,
        };
      }
      const [name] = instruction.into;
      const broke = [
        ...new Set([
          ...(this.#local.broke ?? []),
          ...(outcome.breaks ?? []).map((what) => `${component.name} ${what}`),
        ]),
      ].sort();
      const local = this.#next({
        ...(name !== undefined && { variables: { ...variables, [name]: outcome.answer } }),
        ...(broke.length > 0 && { broke }),
      });
      return { state: outcome.state, local, fault: outcome.fault, label };
    });
  }

  /** The commit of a statement that commits alone. */
  #commitStatement(state: DatabaseState): Effect[] {
    const outcome = commit(this.#program.context, state, this.#index);
    if (outcome.kind === 'waits') return this.#waits(state, outcome, 'COMMIT');
    const label = this.#line('autocommit', 'COMMIT', '');
    if (outcome.kind === 'error')
      return [
        this.#failed(
          outcome.state,
          { ...label, kind: 'error', effect: `${outcome.code} ${outcome.message}` },
          outcome.code,
          false,
        ),
      ];
    const { committing: _, ...rest } = this.#local;
    const local = advance(this.#process, { ...rest, open: false, pc: rest.pc + 1 });
    return [{ state: outcome.state, local, fault: false, label }];
  }

  #commit(state: DatabaseState): Effect[] {
    const outcome = commit(this.#program.context, state, this.#index);
    if (outcome.kind === 'waits') return this.#waits(state, outcome, 'COMMIT');
    if (outcome.kind === 'error') {
      return [
        this.#failed(
          outcome.state,
          this.#line('error', 'COMMIT', `${outcome.code} ${outcome.message}`),
          outcome.code,
          false,
        ),
      ];
    }
    return [
      {
        state: outcome.state,
        local: this.#next({ open: false }),
        fault: false,
        label: this.#line('commit', 'COMMIT', ''),
      },
    ];
  }

  /** The process that runs the request dies between two steps. */
  crash(): Move[] {
    const { pc, open, log } = this.#local;
    if (!this.#process.crashes || (pc === 0 && !open && log.length === 0)) return [];
    const label = this.#line('fault', 'crash', this.#again ? 'the caller tries again' : 'nobody goes on');
    const notify = this.#program.components.flatMap((component, i) => (component.crash ? [i + 1] : []));
    const local = notify.length > 0 ? { ...this.#closed(), status: 'crashing' as const, notify } : this.#afterCrash();
    return [
      {
        component: DATABASE,
        perform: (state) => [
          { state: disconnect(this.#program.context, state as DatabaseState, this.#index), local, fault: true, label },
        ],
      },
    ];
  }

  noticeCrash(): Move {
    const [at = 0, ...notify] = this.#local.notify ?? [];
    const component = this.#program.components[at - 1];
    const local = notify.length > 0 ? { ...this.#local, notify } : this.#afterCrash();
    const label = this.#line('event', '', '');
    return {
      component: at,
      perform: (state) => [{ state: component?.crash?.(state, this.#index) ?? state, local, fault: false, label }],
    };
  }

  #afterCrash(): Local {
    if (this.#again) return start(this.#program, this.#index, this.#local.attempt + 1, this.#local.broke);
    const { notify: _, ...rest } = this.#closed();
    return { ...rest, status: 'dead' };
  }

  #inTransaction(): boolean {
    for (let i = this.#local.pc - 1; i >= 0; i--) {
      const kind = this.#process.instructions[i]?.kind;
      if (kind === 'begin') return true;
      if (kind === 'commit' || kind === 'rollback') return false;
    }
    return false;
  }

  #levelAt(pc: number) {
    for (let i = pc - 1; i >= 0; i--) {
      const instruction = this.#process.instructions[i];
      if (instruction?.kind === 'begin') return instruction.level;
    }
    return this.#process.level;
  }
}
