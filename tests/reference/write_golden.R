# Shared by the scripts of this folder: writes a golden file with the versions that made it.
write_golden <- function(content, file, packages) {
  versions <- c(list(R = R.version.string), lapply(packages, function(p) as.character(packageVersion(p))))
  names(versions)[-1] <- packages
  jsonlite::write_json(c(list(made_by = versions), content), file, auto_unbox = TRUE, digits = NA)
}
