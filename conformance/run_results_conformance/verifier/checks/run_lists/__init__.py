"""The family `runs`: the second operation, which lists runs.

`check` takes the steps and says what is asked, `questions` asks twice before a server is accused, `judgements` says
what one, two or more answers show, `listing` reads an answer.
"""
