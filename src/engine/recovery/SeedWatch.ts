/**
 * Asks the `Seeds` service while the node takes part in its cluster. A source that fails keeps its last list, and is
 * asked again.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { Seeds, SeedSourceFailed } from "../../Seeds.ts"
import { whilePresent } from "../life/Presence.ts"
import type { Node } from "../Node.ts"

/** The pause after a first failure, in milliseconds. Each further one is twice as long. */
const FIRST_PAUSE = 1_000

/** The longest pause, in milliseconds. */
const LONGEST_PAUSE = 30_000

/** Takes a list, and tells of what is refused. */
const accept = (node: Node, source: string, texts: ReadonlyArray<string>): void => {
  const { version } = node.seeds
  const before = version()
  const { example, invalid, tooMany } = node.seeds.offer(texts)
  if (invalid > 0) {
    node.counters.count("seeds.refused", "SeedInvalid", invalid)
    node.logs.note("SeedsRefused", { reason: "SeedInvalid", seed: example, detail: `${invalid} of ${source}` })
  }
  if (tooMany > 0) {
    node.counters.count("seeds.refused", "TooMany", tooMany)
    node.logs.note("SeedsRefused", { reason: "TooMany", detail: `${tooMany} of ${source}` })
  }
  if (version() !== before) node.newSeeds.notify()
}

/** Tells of a failure. Whoever waits for the first list learns why it does not come. */
const unavailable = (node: Node, cause: Cause.Cause<SeedSourceFailed>): Effect.Effect<void> =>
  Effect.suspend(() => {
    const error = Option.getOrUndefined(Cause.findErrorOption(cause))
    const reason = error?.kind ?? "Died"
    const detail = error?.message ?? "the source of the seeds died"
    node.counters.count("seeds.failed", reason)
    if (node.seeds.version() === 0) node.readiness.hindered(detail)
    return node.logs.write("SeedsUnavailable", { reason, detail, cause: error === undefined ? cause : undefined })
  })

/** Pauses differ by a fifth, so that nodes that fail together do not ask again together. */
const watching = Effect.fnUntraced(function*(
  node: Node,
  { changes, source }: Seeds["Service"]
): Effect.fn.Return<void> {
  let pause = FIRST_PAUSE
  const told = (texts: ReadonlyArray<string>) =>
    Effect.sync(() => {
      pause = FIRST_PAUSE
      accept(node, source, texts)
    })
  for (;;) {
    const exit = yield* Effect.exit(Stream.runForEach(changes, told))
    if (Exit.isSuccess(exit)) return
    yield* unavailable(node, exit.cause)
    yield* Effect.sleep(Duration.millis(pause * (0.8 + 0.4 * node.random())))
    pause = Math.min(LONGEST_PAUSE, 2 * pause)
  }
})

/** Runs forever; without `Seeds` there is nothing to do. */
export const loop = (node: Node): Effect.Effect<never> =>
  node.seedSource === undefined ? Effect.never : whilePresent(node, watching(node, node.seedSource))
