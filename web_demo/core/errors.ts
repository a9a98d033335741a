/** A model cannot be used as it is: what failed, the likely cause, what to do. */
export class ModelError extends Error {
  override readonly name: string = "ModelError";
}

/** A newer edgekit wrote the model: whoever reads it must be renewed, nothing is wrong with the model. */
export class NewerVersionError extends ModelError {
  override readonly name: string = "NewerVersionError";
}
