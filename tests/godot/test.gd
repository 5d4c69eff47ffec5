# What a GhostDetector does in a game: the boxes of `ghostvk detect`, by detect and by submit, and for wrong input an
# error and no crash; in a Godot with a renderer what it does on the renderer's device. Run by run.sh in a copy of the
# demo project; its argument is the file of what the program has found.
extends SceneTree

const MODEL := "res://blood-cells.safetensors"
const PIXELS_APART := 0.05
const SCORE_APART := 0.001


# Errors that were pushed; they may come from any thread.
class Errors extends Logger:
	var sentences: Array[String] = []
	var mutex := Mutex.new()

	func _log_error(_function: String, _file: String, _line: int, code: String, rationale: String, _editor: bool,
			type: int, _backtraces: Array) -> void:
		if type == ERROR_TYPE_WARNING:
			return
		mutex.lock()
		sentences.append(code + rationale)
		mutex.unlock()

	func take() -> Array[String]:
		mutex.lock()
		var taken := sentences.duplicate()
		sentences.clear()
		mutex.unlock()
		return taken


var errors := Errors.new()
var wrong := 0


func _initialize() -> void:
	OS.add_logger(errors)
	_run.call_deferred()


func _run() -> void:
	var arguments := OS.get_cmdline_user_args()
	var expected: Array = JSON.parse_string(FileAccess.get_file_as_string(arguments[0])).images[0].detections
	var texture: Texture2D = load("res://smear-1.jpg")
	check("the program has found boxes", not expected.is_empty())

	if RenderingServer.get_rendering_device() == null:
		await detect_gives_the_boxes_of_the_program(texture, expected)
		await submit_gives_the_same_boxes_and_does_not_block(texture, expected)
		await any_image_format_is_taken(texture, expected)
		await thresholds_are_applied(texture, expected)
		await detect_between_leaves_the_submitted_frame_its_boxes(texture, expected)
		await a_missing_model_is_an_error(texture)
		await a_file_that_is_no_model_is_an_error(texture)
		await a_device_that_there_is_not_is_an_error(texture)
		await an_empty_texture_is_an_error()
		await a_node_goes_with_a_frame_in_flight(texture)
		await a_corrected_model_path_works_after_an_error(texture, expected)
		the_renderers_device_is_an_error_where_there_is_none(texture)
	else:
		await the_renderers_device_gives_the_same_boxes(texture, expected)
		await a_drawn_viewport_gives_the_same_boxes(texture, expected)
		await a_node_on_the_renderers_device_goes_with_a_frame_in_flight(texture)
		await settings_may_change_while_the_texture_is_copied(texture, expected)
	a_game_ends_with_a_frame_in_flight(texture)
	print("godot: %s" % ("every check passed" if wrong == 0 else "%d checks failed" % wrong))
	quit(0 if wrong == 0 else 1)


func detect_gives_the_boxes_of_the_program(texture: Texture2D, expected: Array) -> void:
	var detector := make()
	same_boxes("detect", detector.detect(texture), expected)
	no_error("detect")
	detector.queue_free()


func submit_gives_the_same_boxes_and_does_not_block(texture: Texture2D, expected: Array) -> void:
	var detector := make()
	for frame in 2: # the first one opens the model
		var before := Time.get_ticks_usec()
		check("submit is taken", detector.submit(texture))
		var blocked := Time.get_ticks_usec() - before
		check("a second submit is refused while a frame is on its way", not detector.submit(texture))
		check("the node is busy", detector.is_busy())
		var found: Array = await detector.detected
		var took := Time.get_ticks_usec() - before
		print("godot: submit %d took %.1f ms, its boxes came after %.0f ms" % [frame, blocked / 1e3, took / 1e3])
		check("submit takes no tenth of the frame", blocked * 10 < took)
		check("the node is idle again", not detector.is_busy())
		same_boxes("submit", found, expected)
	no_error("submit")
	detector.queue_free()


func any_image_format_is_taken(texture: Texture2D, expected: Array) -> void:
	var detector := make()
	for format in [Image.FORMAT_RGBA8, Image.FORMAT_RGBAF, Image.FORMAT_RGB8]:
		var image := texture.get_image().duplicate() as Image
		image.convert(format)
		if format == Image.FORMAT_RGB8:
			image.generate_mipmaps()
		var other := ImageTexture.create_from_image(image)
		same_boxes("format %d" % format, detector.detect(other), expected)
		check("the texture keeps its format", other.get_image().get_format() == format)
	no_error("formats")
	detector.queue_free()


func thresholds_are_applied(texture: Texture2D, expected: Array) -> void:
	var detector := make()
	check("the properties are there", detector.confidence == 0.0 and detector.iou == 0.0 and detector.device == "cpu")
	detector.detect(texture)
	detector.confidence = 0.9
	var good := expected.filter(func(box): return box.score >= 0.9)
	check("the threshold leaves something and drops something", good.size() > 0 and good.size() < expected.size())
	same_boxes("confidence 0.9", detector.detect(texture), good)
	no_error("thresholds")
	detector.queue_free()


func detect_between_leaves_the_submitted_frame_its_boxes(texture: Texture2D, expected: Array) -> void:
	var detector := make()
	var blank := ImageTexture.create_from_image(Image.create(64, 64, false, Image.FORMAT_RGB8))
	check("submit is taken", detector.submit(texture))
	check("a black picture has no boxes", detector.detect(blank).is_empty())
	same_boxes("submit before detect", await detector.detected, expected)
	no_error("detect between")
	detector.queue_free()


func a_missing_model_is_an_error(texture: Texture2D) -> void:
	for path in ["", "res://missing.safetensors"]:
		var detector := make(path)
		check("detect gives no boxes", detector.detect(texture).is_empty())
		an_error("detect without a model", "cannot be read")
		check("submit is taken", detector.submit(texture))
		var reason: String = await detector.failed
		check("the signal gives the reason", "cannot be read" in reason)
		an_error("submit without a model", "cannot be read")
		detector.queue_free()


func a_file_that_is_no_model_is_an_error(texture: Texture2D) -> void:
	var detector := make("res://project.godot")
	check("detect gives no boxes", detector.detect(texture).is_empty())
	an_error("a file that is no model", "GhostDetector: ")
	detector.queue_free()


func a_device_that_there_is_not_is_an_error(texture: Texture2D) -> void:
	var detector := make()
	detector.device = "no such device"
	check("detect gives no boxes", detector.detect(texture).is_empty())
	an_error("a device that there is not", "no such device")
	detector.queue_free()


func an_empty_texture_is_an_error() -> void:
	var detector := make()
	check("null gives no boxes", detector.detect(null).is_empty())
	an_error("null", "there is no texture")
	check("submit of null is refused", not detector.submit(null))
	an_error("submit of null", "there is no texture")
	check("an empty texture gives no boxes", detector.detect(ImageTexture.new()).is_empty())
	an_error("an empty texture", "the texture is empty")
	check("submit of an empty texture is refused", not detector.submit(ImageTexture.new()))
	an_error("submit of an empty texture", "the texture is empty")
	detector.queue_free()


# At once, while a thread opens the model; and again when the model is there and the frame is on the device.
func a_node_goes_with_a_frame_in_flight(texture: Texture2D) -> void:
	var detector := make()
	check("submit is taken", detector.submit(texture))
	detector.free()
	detector = make()
	detector.detect(texture)
	check("submit is taken", detector.submit(texture))
	await process_frame
	await process_frame
	detector.free()
	detector = make()
	check("submit is taken", detector.submit(texture))
	detector.queue_free()
	await process_frame
	await process_frame
	check("the node has gone", not is_instance_valid(detector))
	no_error("a node that goes")


func a_corrected_model_path_works_after_an_error(texture: Texture2D, expected: Array) -> void:
	var detector := make("res://missing.safetensors")
	detector.detect(texture)
	an_error("a wrong path", "cannot be read")
	detector.model_path = MODEL
	same_boxes("the right path", detector.detect(texture), expected)
	no_error("the right path")
	detector.queue_free()


func the_renderers_device_is_an_error_where_there_is_none(texture: Texture2D) -> void:
	var detector := make(MODEL, "renderer")
	check("submit is refused", not detector.submit(texture))
	an_error("submit without a renderer", "no renderer")
	check("detect gives no boxes", detector.detect(texture).is_empty())
	an_error("detect without a renderer", "no renderer")
	detector.queue_free()


func the_renderers_device_gives_the_same_boxes(texture: Texture2D, expected: Array) -> void:
	var detector := make(MODEL, "renderer")
	for frame in 3:
		var before := Time.get_ticks_usec()
		var drawn := Engine.get_frames_drawn()
		check("submit is taken", detector.submit(texture))
		var blocked := Time.get_ticks_usec() - before
		same_boxes("submit on the renderer's device", await detector.detected, expected)
		print("godot: on the renderer's device submit %d took %.1f ms, its boxes came after %.0f ms and %d frames"
				% [frame, blocked / 1e3, (Time.get_ticks_usec() - before) / 1e3, Engine.get_frames_drawn() - drawn])
	same_boxes("detect on the renderer's device", detector.detect(texture), expected)
	no_error("the renderer's device")
	detector.queue_free()


func a_drawn_viewport_gives_the_same_boxes(texture: Texture2D, expected: Array) -> void:
	var viewport := SubViewport.new()
	viewport.size = texture.get_size()
	viewport.render_target_update_mode = SubViewport.UPDATE_ALWAYS
	var picture := TextureRect.new()
	picture.texture = texture
	viewport.add_child(picture)
	root.add_child(viewport)
	for frame in 2:
		await process_frame
	var detector := make(MODEL, "renderer")
	check("submit is taken", detector.submit(viewport.get_texture()))
	same_boxes("a viewport", await detector.detected, expected)
	no_error("a viewport")
	detector.queue_free()
	viewport.queue_free()


func a_node_on_the_renderers_device_goes_with_a_frame_in_flight(texture: Texture2D) -> void:
	for frames in [0, 1, 5]: # while the texture is copied, then while parts of the frame are on the queue
		var detector := make(MODEL, "renderer")
		check("submit is taken", detector.submit(texture))
		for frame in frames:
			await process_frame
		detector.free()
		await process_frame
	no_error("a node on the renderer's device that goes")


func settings_may_change_while_the_texture_is_copied(texture: Texture2D, expected: Array) -> void:
	var detector := make(MODEL, "renderer")
	check("submit is taken", detector.submit(texture))
	detector.device = "cpu"
	same_boxes("detect on another device", detector.detect(texture), expected)
	check("the signal gives the reason", "settings" in (await detector.failed))
	an_error("settings that change", "settings")
	detector.queue_free()


# Whose node is freed with the others; run.sh looks at how Godot ends.
func a_game_ends_with_a_frame_in_flight(texture: Texture2D) -> void:
	check("submit is taken", make().submit(texture))


func make(path := MODEL, on := "cpu") -> GhostDetector:
	var detector := GhostDetector.new()
	detector.model_path = path
	detector.device = on
	root.add_child(detector)
	return detector


func check(what: String, right: bool) -> void:
	if right:
		return
	wrong += 1
	print("godot: wrong: ", what)


func no_error(what: String) -> void:
	var pushed := errors.take()
	check("%s pushes no error, but pushed %s" % [what, pushed], pushed.is_empty())


func an_error(what: String, part: String) -> void:
	var pushed := errors.take()
	check("%s pushes one error with \"%s\", not %s" % [what, part, pushed], pushed.size() == 1 and part in pushed[0])


func same_boxes(what: String, found: Array, expected: Array) -> void:
	check("%s: %d boxes, not %d" % [what, expected.size(), found.size()], found.size() == expected.size())
	for i in mini(found.size(), expected.size()):
		var is_there: Rect2 = found[i].box
		var wanted: Array = expected[i].box
		var corners := [is_there.position.x, is_there.position.y, is_there.end.x, is_there.end.y]
		var apart := 0.0
		for side in 4:
			apart = maxf(apart, absf(corners[side] - wanted[side]))
		check("%s, box %d is %s, not %s" % [what, i, found[i], expected[i]],
				apart <= PIXELS_APART and absf(found[i].score - expected[i].score) <= SCORE_APART
				and found[i].class_id == int(expected[i].class_id) and found[i].name == expected[i]["class"])
