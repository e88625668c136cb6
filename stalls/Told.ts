/** What a node says about the others. */
export type Told =
  | { readonly what: "started"; readonly address: string }
  /** `accuses`: nobody answered its probe. `declares`: its suspicion ended. `loses`: others declared it. */
  | { readonly what: "accuses" | "declares" | "loses"; readonly member: string; readonly detail: string }
  /** It was late itself. */
  | { readonly what: "late"; readonly detail: string }
  | { readonly what: "counts"; readonly members: number; readonly counters: ReadonlyArray<readonly [string, number]> }
