/** Forged members' names begin with this: what becomes of them is nobody's loss. */
export const FAKE = "fake"
