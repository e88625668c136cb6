/**
 * The error of a node that is to announce a second runner.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

/**
 * A second layer is to announce the runner of one node. Nothing was announced.
 *
 * @category errors
 * @since 0.1.0
 */
export class RunnerTaken extends Schema.TaggedError<RunnerTaken>()("RunnerTaken", {
  /** The entry whose layer is there already. */
  entry: Schema.Literals(["MemberlistRunners", "MemberlistRunnerHealth", "another build"])
}) {
  override get message() {
    const there = this.entry === "another build"
      ? "from another build of its layers, or as a section \"c\" of the program's own"
      : `by a layer of ${this.entry}`
    return `this node announces a runner already, ${there}; expected at most one layer of MemberlistRunners and one of `
      + "MemberlistRunnerHealth for each node, in one build: run a second runner on a node of its own"
  }
}
