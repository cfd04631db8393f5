# geNorm and NormFinder. The package NormqPCR is not in Debian, so the published formulas are written here by another way than in
# exodx: geNorm from the covariance matrix, NormFinder from the residuals of two-way linear models.
source("write_golden.R")
set.seed(20260902)

pairwise_m <- function(y) {
  s <- cov(y)
  v <- sqrt(outer(diag(s), diag(s), "+") - 2 * s)
  rowSums(v) / (ncol(y) - 1)
}
genorm <- function(y) {
  left <- seq_len(ncol(y)); ranking <- integer(0); stability <- numeric(0); mean_m <- numeric(0); variation <- numeric(0)
  repeat {
    m <- pairwise_m(y[, left, drop = FALSE])
    mean_m <- c(mean(m), mean_m)
    if (length(left) == 2) break
    worst <- which.max(m)
    variation <- c(sd(rowMeans(y[, left]) - rowMeans(y[, left[-worst]])), variation)
    ranking <- c(left[worst], ranking); stability <- c(m[[worst]], stability)
    left <- left[-worst]
  }
  list(ranking = c(left, ranking) - 1, stability = c(m, stability), mean_m = mean_m, variation = variation)
}
within <- function(y) {
  k <- ncol(y); n <- nrow(y)
  long <- data.frame(value = as.vector(y), gene = factor(rep(seq_len(k), each = n)), specimen = factor(rep(seq_len(n), k)))
  a <- tapply(residuals(lm(value ~ gene + specimen, long))^2, long$gene, sum) / (n - 1)
  as.numeric((a - sum(a) / (k * (k - 1))) / (1 - 2 / k))
}
normfinder <- function(y, group) {
  parts <- split(as.data.frame(y), group); k <- ncol(y); m <- length(parts)
  raw <- t(sapply(parts, function(part) within(as.matrix(part))))
  if (m == 1) return(list(stability = sqrt(pmax(raw[1, ], 0)), variance = raw, tau2 = NA))
  cells <- expand.grid(group = factor(seq_len(m)), gene = factor(seq_len(k)))
  cells$mean <- as.vector(t(sapply(parts, colMeans)))
  d <- matrix(residuals(lm(mean ~ group + gene, cells)), m)
  v <- pmax(raw, 0) / as.vector(table(group))
  tau2 <- max(0, sum(d^2) / ((m - 1) * (k - 1)) - mean(v))
  shrink <- ifelse(tau2 + v > 0, tau2 / (tau2 + v), 0) # 0/0 is taken for 0; NormqPCR gives NaN there
  rho <- abs(d) * shrink + sqrt(v + v * shrink)
  list(stability = as.numeric(colMeans(rho)), variance = raw, tau2 = tau2)
}
simulate <- function(n, spread, shift) {
  y <- outer(rnorm(n), rep(1, length(spread))) + sapply(spread, function(s) rnorm(n, 0, s))
  cases <- seq_len(n) > n / 2
  y[cases, ] <- sweep(y[cases, ], 2, shift, "+")
  round(y, 4)
}
two <- simulate(24, c(0.2, 0.3, 0.25, 0.5, 0.8, 0.35), c(0, 0, 0.7, 0, 1.5, -0.4))
three <- simulate(30, c(0.4, 0.3, 0.6, 0.9, 0.2), c(0.5, 0, -0.5, 0, 0))
groups <- list(rep(0:1, each = 12), rep(0:2, times = c(8, 10, 12)))
case <- function(y, group) {
  list(y = y, groups = group, genorm = genorm(y), normfinder = normfinder(y, group), one_group = normfinder(y, rep(0, nrow(y))))
}
write_golden(list(cases = list(case(two, groups[[1]]), case(three, groups[[2]]))), "stability.json", "jsonlite")
