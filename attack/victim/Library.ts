/**
 * The library of another checkout, and the modules of Effect that belong to it, so that one harness measures them all.
 * The types are those of this checkout.
 */
import type * as ContextModule from "effect/Context"
import type * as EffectModule from "effect/Effect"
import type * as ExitModule from "effect/Exit"
import type * as LayerModule from "effect/Layer"
import type * as LoggerModule from "effect/Logger"
import type * as OptionModule from "effect/Option"
import type * as RedactedModule from "effect/Redacted"
import type * as ScopeModule from "effect/Scope"
import type * as StreamModule from "effect/Stream"
import { createRequire } from "node:module"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import type * as LibraryModule from "../../src/index.ts"

export const load = async (checkout: string) => {
  const entry = join(checkout, "src", "index.ts")
  const { resolve } = createRequire(entry)
  const effect = (name: string): Promise<unknown> => import(pathToFileURL(resolve(`effect/${name}`)).href)
  const [library, Context, Effect, Exit, Layer, Logger, Option, Redacted, Scope, Stream] = await Promise.all([
    import(pathToFileURL(entry).href),
    effect("Context"),
    effect("Effect"),
    effect("Exit"),
    effect("Layer"),
    effect("Logger"),
    effect("Option"),
    effect("Redacted"),
    effect("Scope"),
    effect("Stream")
  ])
  return { library, Context, Effect, Exit, Layer, Logger, Option, Redacted, Scope, Stream } as {
    readonly library: typeof LibraryModule
    readonly Context: typeof ContextModule
    readonly Effect: typeof EffectModule
    readonly Exit: typeof ExitModule
    readonly Layer: typeof LayerModule
    readonly Logger: typeof LoggerModule
    readonly Option: typeof OptionModule
    readonly Redacted: typeof RedactedModule
    readonly Scope: typeof ScopeModule
    readonly Stream: typeof StreamModule
  }
}

export type Loaded = Awaited<ReturnType<typeof load>>
