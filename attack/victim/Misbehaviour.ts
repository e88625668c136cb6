/** Hooks as a careless application writes them: wrong shapes, far too much, or no end. */
import type { Delegate } from "../../src/Delegate.ts"
import type { Loaded } from "./Library.ts"

export const misbehaviours = [
  "local state is undefined",
  "broadcasts is undefined",
  "broadcasts is 5",
  "broadcasts are 200,000 tiny ones",
  "local state never ends",
  "admit never ends"
] as const
export type Misbehaviour = (typeof misbehaviours)[number]

const TINY = 200_000

export const delegateOf = (misbehaviour: Misbehaviour | undefined, { Effect }: Loaded): Delegate => {
  const endless = Effect.uninterruptible(Effect.never)
  switch (misbehaviour) {
    case undefined:
      return {}
    case "local state is undefined":
      return { localState: () => Effect.succeed(undefined as unknown as Uint8Array) }
    case "broadcasts is undefined":
      return { broadcasts: () => Effect.succeed(undefined as unknown as ReadonlyArray<Uint8Array>) }
    case "broadcasts is 5":
      return { broadcasts: () => Effect.succeed(5 as unknown as ReadonlyArray<Uint8Array>) }
    case "broadcasts are 200,000 tiny ones": {
      // made once: what is measured is the library's part
      const tiny = Array.from({ length: TINY }, () => new Uint8Array(1))
      return { broadcasts: () => Effect.succeed(tiny) }
    }
    case "local state never ends":
      return { localState: () => endless }
    case "admit never ends":
      return { admit: () => endless }
  }
}
