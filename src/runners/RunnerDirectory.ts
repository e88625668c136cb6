/**
 * The runners of Effect Cluster as members announce them, and what this node announces of its own. Both entries on
 * runners share one.
 *
 * @since 0.1.0
 */
import type { Runner } from "effect/cluster/Runner"
import type { RunnerAddress } from "effect/cluster/RunnerAddress"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { Member } from "../Member.ts"
import { Memberlist } from "../Memberlist.ts"
import type { ChangeError } from "../MemberMeta.ts"
import * as Announcers from "./Announcers.ts"
import { keyOf, listing, RunnerMeta, runnerOf, standing } from "./RunnerMeta.ts"
import { RunnerTaken } from "./RunnerTaken.ts"

type Entry = "MemberlistRunners" | "MemberlistRunnerHealth"

/** The runners to list, one for each address. */
export interface Listed {
  readonly own: Runner | undefined
  readonly others: ReadonlyArray<Runner>
}

export class RunnerDirectory extends Context.Service<RunnerDirectory, {
  /** Lets one layer of each entry have what this node announces, until the scope closes: there is one runner a node. */
  readonly claim: (entry: Entry) => Effect.Effect<void, RunnerTaken, Scope.Scope>
  /** Announces that the runner of this process has this address, until the scope closes. */
  readonly stand: (address: RunnerAddress) => Effect.Effect<void, ChangeError, Scope.Scope>
  /** Announces a runner to be listed. */
  readonly list: (runner: Runner) => Effect.Effect<void, ChangeError>
  /** Takes the runner out of the lists again, where it is at this address. */
  readonly unlist: (address?: RunnerAddress) => Effect.Effect<void>
  /** The runner of this node, from when it was given to be listed, and those that other live members announce. */
  readonly runners: Effect.Effect<Listed>
  /** What membership says about an address: `unknown` where no member has announced it lately. */
  readonly stateOf: (address: RunnerAddress) => Effect.Effect<"alive" | "gone" | "unknown">
}>()("effect-memberlist/runners/RunnerDirectory") {
  static readonly layer: Layer.Layer<RunnerDirectory, RunnerTaken | ChangeError, Memberlist> = Layer.effect(
    this,
    Effect.suspend(() => make)
  ).pipe(
    Layer.provide(RunnerMeta.layer({})),
    Layer.catchTag("MetaNameTaken", () => Layer.effect(this, Effect.fail(new RunnerTaken({ entry: "another build" }))))
  )
}

const announcersOf = (members: ReadonlyArray<Member>): ReadonlyArray<Announcers.Announcer> =>
  members.map((member) => {
    const { runner } = Option.getOrElse(RunnerMeta.get(member), () => ({ runner: undefined }))
    return { name: member.name, address: runner === undefined ? undefined : keyOf(runner) }
  })

const make = Effect.gen(function*() {
  const cluster = yield* Memberlist
  const meta = yield* RunnerMeta
  const claimed = new Set<string>()
  let known = Announcers.nothing
  let stands: RunnerAddress | undefined
  let listed: Runner | undefined

  const now = Effect.clockWith((clock) => clock.currentTimeMillis)
  /** Follows the view, also between two questions, so that whoever came and went is known to be gone. */
  const observe = Effect.zipWith(cluster.members, now, (members, now) => {
    known = Announcers.seen(known, announcersOf(members), now)
  })

  /** Announces what is to be announced once it is this node's turn. */
  const announce = meta.update(() =>
    listed !== undefined ? listing(listed) : stands !== undefined ? standing(stands) : {}
  )

  yield* Effect.forkScoped(Stream.runForEach(cluster.changes, () => observe), { startImmediately: true })

  return RunnerDirectory.of({
    claim: (entry) =>
      Effect.acquireRelease(
        Effect.suspend(() => {
          if (claimed.has(entry)) return Effect.fail(new RunnerTaken({ entry }))
          claimed.add(entry)
          return Effect.void
        }),
        () => Effect.sync(() => claimed.delete(entry))
      ),
    stand: (address) =>
      Effect.acquireRelease(
        Effect.suspend(() => {
          stands = address
          return announce
        }),
        () =>
          Effect.suspend(() => {
            stands = undefined
            return Effect.ignore(announce)
          })
      ),
    list: (runner) =>
      Effect.suspend(() => {
        const before = listed
        listed = runner
        return Effect.onError(announce, () => Effect.sync(() => void (listed = before)))
      }),
    unlist: (address) =>
      Effect.suspend(() => {
        if (listed === undefined) return Effect.void
        if (address !== undefined && keyOf(listed.address) !== keyOf(address)) return Effect.void
        listed = undefined
        // a node that has left is in nobody's list
        return Effect.ignore(announce)
      }),
    runners: Effect.map(meta.members, (members) => {
      const others = new Map<string, Runner>()
      // of two members that announce one address, the one that is certain to live, then the first by name
      for (const state of ["alive", "suspect"]) {
        for (const { member, value } of members) {
          const runner = member.state === state && member.name !== cluster.info.name ? runnerOf(value) : undefined
          if (runner !== undefined && !others.has(keyOf(runner.address))) others.set(keyOf(runner.address), runner)
        }
      }
      if (listed !== undefined) others.delete(keyOf(listed.address))
      return { own: listed, others: [...others.values()] }
    }),
    stateOf: (address) =>
      Effect.zipWith(cluster.localMember, now, ({ state }, now) =>
        // what a node outside of the cluster remembers says nothing about now
        state === "left" ? "unknown" : Announcers.stateOf(known, keyOf(address), now))
  })
})
