/**
 * How a process ends that a signal interrupts.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Context from "effect/Context"

/**
 * How the process ends when a signal interrupts it: with 130, as a shell says it of a program, unless the command says
 * that a signal is how it is meant to end.
 *
 * @category services
 * @since 0.1.0
 */
export class Signalled extends Context.Service<Signalled, { exitCode: number }>()(
  "effect-memberlist/agent/cli/Signalled"
) {}
