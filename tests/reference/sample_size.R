# Sample sizes. pmsampsize and pmvalsampsize are not in Debian: criteria written here from Riley 2019 and 2021, with adaptive
# quadrature (integrate) where exodx sums over a grid, and by stepping n where exodx solves for it.
source("write_golden.R")

expectation <- function(f, auc, prevalence) {
  m <- sqrt(2) * qnorm(auc)
  one <- function(centre, g) integrate(function(x) g(x) * dnorm(x, centre, m), centre - 9 * m, centre + 9 * m, rel.tol = 1e-11, subdivisions = 1000)$value
  prevalence * one(qlogis(prevalence) + m^2 / 2, function(x) f(x, 1)) + (1 - prevalence) * one(qlogis(prevalence) - m^2 / 2, function(x) f(x, 0))
}
r2 <- function(auc, prevalence) {
  model <- expectation(function(x, y) plogis(if (y) x else -x, log.p = TRUE), auc, prevalence)
  null <- prevalence * log(prevalence) + (1 - prevalence) * log(1 - prevalence)
  1 - exp(2 * (null - model))
}
slope_n <- function(auc, prevalence, width) {
  part <- function(k) expectation(function(x, y) x^k * dlogis(x), auc, prevalence)
  inverse <- solve(matrix(c(part(0), part(1), part(1), part(2)), 2))
  ceiling(inverse[2, 2] / (width / 3.92)^2)
}
auc_n <- function(auc, prevalence, width) {
  n <- 2
  repeat {
    v <- auc * (1 - auc) * (1 + (n / 2 - 1) * ((1 - auc) / (2 - auc)) + (n / 2 - 1) * auc / (1 + auc)) / (n^2 * prevalence * (1 - prevalence))
    if (3.92 * sqrt(v) <= width) return(n)
    n <- n + 1
  }
}
oe_n <- function(prevalence, width) {
  se <- uniroot(function(s) exp(1.96 * s) - exp(-1.96 * s) - width, c(1e-6, 5), tol = 1e-14)$root
  ceiling((1 - prevalence) / (prevalence * se^2))
}
grid <- expand.grid(auc = c(.6, .7, .8, .9), prevalence = c(.05, .2, .5))
cases <- lapply(seq_len(nrow(grid)), function(i) {
  a <- grid$auc[i]; f <- grid$prevalence[i]
  list(auc = a, prevalence = f, r2 = r2(a, f), oe = oe_n(f, .2), slope = slope_n(a, f, .2), c = auc_n(a, f, .1))
})
write_golden(list(cases = cases), "sample_size.json", c("jsonlite"))
