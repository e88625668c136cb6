// Its presence allows functions without a body: linked.go.
