# Wilson and Clopper-Pearson from base R, likelihood ratios and accuracy from epiR.
source("write_golden.R")
suppressPackageStartupMessages(library(epiR))

proportion <- function(x, n, level) {
  list(successes = x, n = n, level = level,
       wilson = as.numeric(prop.test(x, n, conf.level = level, correct = FALSE)$conf.int),
       clopper_pearson = as.numeric(binom.test(x, n, conf.level = level)$conf.int))
}
counts <- list(c(45, 50, .95), c(20, 20, .95), c(0, 17, .95), c(3, 71, .90), c(140, 233, .99), c(1, 1, .95))
proportions <- lapply(counts, function(k) suppressWarnings(proportion(k[1], k[2], k[3])))

table_of <- function(tp, fn, fp, tn) {
  calls_by_truth <- as.table(matrix(c(tp, fp, fn, tn), nrow = 2, byrow = TRUE))
  out <- epi.tests(calls_by_truth, method = "wilson", conf.level = 0.95)
  pick <- function(s) as.numeric(out$detail[out$detail$statistic == s, c("est", "lower", "upper")])
  list(tp = tp, fn = fn, fp = fp, tn = tn, sensitivity = pick("se"), specificity = pick("sp"),
       lr_positive = pick("lr.pos"), lr_negative = pick("lr.neg"))
}
tables <- list(table_of(45, 5, 12, 48), table_of(240, 178, 87, 288), table_of(7, 3, 2, 41))
write_golden(list(proportions = proportions, tables = tables), "accuracy.json", c("epiR", "jsonlite"))
