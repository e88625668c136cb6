/** A thread that lives through one seed after the other, so that the terminal and Ctrl-C need not wait for a long one. */
import { parentPort } from "node:worker_threads"
import { make, type Options } from "./Plan.ts"
import { type Outcome, run } from "./Run.ts"
import { shrink } from "./Shrink.ts"

/** What the thread is asked for: a seed's outcome, or the smallest one that fails as the given one. */
export type Asked =
  | { readonly _tag: "Live"; readonly options: Options }
  | { readonly _tag: "Shrink"; readonly failing: Outcome }

/** What it tells: how far it is, then the answer. */
export type Told =
  | { readonly _tag: "At"; readonly millis: number }
  | { readonly _tag: "Shrinking"; readonly faults: number; readonly attempts: number }
  | { readonly _tag: "Done"; readonly outcome: Outcome }

/** Milliseconds between two messages about how far it is. */
const INTERVAL = 200

const tell = (told: Told) => parentPort?.postMessage(told, [])

const live = (options: Options): Outcome => {
  let told = performance.now()
  return run(make(options), (millis) => {
    const now = performance.now()
    if (now - told < INTERVAL) return
    told = now
    tell({ _tag: "At", millis })
  })
}

const smallest = (failing: Outcome): Outcome =>
  shrink(failing, { onProgress: (faults, attempts) => tell({ _tag: "Shrinking", faults, attempts }) })

parentPort?.on(
  "message",
  (asked: Asked) =>
    tell({ _tag: "Done", outcome: asked._tag === "Live" ? live(asked.options) : smallest(asked.failing) })
)
