# One-way analysis of variance from base R's aov, ICC(1,1) from its mean squares, and Holm's p from p.adjust.
source("write_golden.R")
set.seed(20260911)

one_way <- function(sizes, shift) {
  group <- rep(seq_along(sizes), sizes)
  value <- round(rnorm(length(group)) + shift[group], 3)
  table <- summary(aov(value ~ factor(group)))[[1]]
  n <- length(value); k <- length(sizes)
  size <- (n - sum(sizes^2) / n) / (k - 1)
  between <- table[["Mean Sq"]][1]; within <- table[["Mean Sq"]][2]
  list(
    value = value, group = group, f = table[["F value"]][1], p = table[["Pr(>F)"]][1],
    icc = (between - within) / (between + (size - 1) * within)
  )
}
cases <- list(
  one_way(c(8, 8, 8), c(0, 0, 0)),
  one_way(c(3, 12, 7, 5), c(0, 1.5, -1, 0.5)),
  one_way(c(2, 20), c(0, 0.7))
)
p <- round(c(runif(12), runif(8) / 100), 5)
write_golden(list(cases = cases, p = p, holm = p.adjust(p, "holm")), "variance.json", "jsonlite")
