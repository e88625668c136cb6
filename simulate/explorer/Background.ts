/** The thread that the seeds are lived through in. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { Worker } from "node:worker_threads"
import type { Outcome } from "./Run.ts"
import type { Asked, Told } from "./worker.ts"

/** Asks the thread, which does one thing at a time; it is told of how far it is meanwhile. */
export type Ask = (
  asked: Asked,
  onTold: (told: Exclude<Told, { readonly _tag: "Done" }>) => void
) => Effect.Effect<Outcome>

const FLAGS = ["--conditions=effect-memberlist-source"]

/** A thread that ends with the scope, at once. If it ends by itself, that is a defect. */
export const make: Effect.Effect<Ask, never, Scope.Scope> = Effect.map(
  Effect.acquireRelease(
    Effect.sync(() => new Worker(new URL("worker.ts", import.meta.url), { execArgv: FLAGS })),
    (worker) => Effect.promise(() => worker.terminate())
  ),
  (worker): Ask => (asked, onTold) =>
    Effect.callback((resume) => {
      const forget = () => worker.off("message", onMessage).off("error", onError).off("exit", onExit)
      const end: typeof resume = (effect) => {
        forget()
        resume(effect)
      }
      const onMessage = (told: Told) => {
        if (told._tag === "Done") end(Effect.succeed(told.outcome))
        else onTold(told)
      }
      const onError = (error: unknown) => end(Effect.die(error))
      const onExit = (code: number) => end(Effect.die(new Error(`the simulation's thread ended with code ${code}`)))
      worker.on("message", onMessage).on("error", onError).on("exit", onExit)
      worker.postMessage(asked, [])
      return Effect.sync(forget)
    })
)
